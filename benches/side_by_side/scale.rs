//! What a message costs by how many sessions there are, how large their windows are, how many rules and list entries, how
//! many senders are known, and on how many processors: one is changed, the others stay. The last row has a node on each of two
//! processors, which share the sessions, beside one node on both.

use std::time::Duration;

use crate::boxes::{Folder, Ports, Running, Scale};
use crate::peers::{self, Load, Smsc};
use crate::work::Work;
use crate::{Options, SESSIONS, WINDOW, boxes, median, thousands};

/// Sessions of the largest load: a descriptor on each side of the box for each, and as many of this process's.
const SESSIONS_MAX: usize = 9_900;
const ROUNDS: usize = 3;

struct Point {
    what: &'static str,
    value: usize,
    scale: Scale,
    load: Load,
    processors: usize,
    /// Nodes that share the sessions and the processors.
    nodes: usize,
}

fn points() -> Vec<Point> {
    let usual = |what, value| Point {
        what,
        value,
        scale: Scale::default(),
        load: Load { sessions: SESSIONS, window: WINDOW },
        processors: 1,
        nodes: 1,
    };
    let mut all = Vec::new();
    for sessions in [1, 8, 64, 512, 4_096, SESSIONS_MAX] {
        // As many messages on their way as there can be, but not more than the peers can hold.
        let window = (100_000 / sessions).clamp(1, WINDOW);
        all.push(Point { load: Load { sessions, window }, ..usual("sessions", sessions) });
    }
    for window in [1, 10, 100, 1_000] {
        all.push(Point { load: Load { sessions: SESSIONS, window }, ..usual("window", window) });
    }
    for rules in [100, 1_000, 10_000] {
        all.push(Point { scale: Scale { rules, ..Scale::default() }, ..usual("rules more", rules) });
    }
    for entries in [1_000, 100_000, 1_000_000] {
        let scale = Scale { rules: 1, entries, ..Scale::default() };
        all.push(Point { scale, ..usual("entries of a list", entries) });
    }
    for senders in [10_000, 100_000, 1_000_000, 5_000_000] {
        all.push(Point { scale: Scale { senders, ..Scale::default() }, ..usual("senders known", senders) });
    }
    for processors in [1, 2] {
        all.push(Point { processors, ..usual("processors", processors) });
    }
    all.push(Point { processors: 2, nodes: 2, ..usual("nodes of one each", 2) });
    all
}

/// Prints the table.
pub fn table(folder: &Folder, work: &Work, smsc: &Smsc, options: &Options) {
    let points = points();
    let mut costs: Vec<Vec<(f64, f64)>> = vec![Vec::new(); points.len()];
    for _ in 0..ROUNDS {
        for (point, costs) in points.iter().zip(&mut costs) {
            let each = point.processors / point.nodes;
            let start = |node| {
                let one = boxes::scaled(folder, work, Scale { node, ..point.scale });
                let ports = Ports::of(&one, smsc);
                (one.start_on(ports, &options.tapis, node * each..=(node + 1) * each - 1), ports.listen)
            };
            let (running, listen): (Vec<Running>, Vec<u16>) = (0..point.nodes).map(start).unzip();
            let taken = || running.iter().map(Running::cpu).sum::<f64>();
            // What begins is not what goes on.
            peers::load(&listen, None, work, Duration::from_millis(300), options.portion, point.load);
            let cpu = taken();
            let loaded = peers::load(&listen, None, work, options.run, options.portion, point.load);
            let answered = loaded.report.answered();
            assert_eq!(answered, loaded.report.submitted, "{} {}: messages were lost", point.what, point.value);
            costs.push(((taken() - cpu) * 1e6 / answered as f64, answered as f64 / loaded.seconds));
        }
    }
    println!(
        "\nstarter rules, journal; {SESSIONS} sessions, window {WINDOW}, one processor for the box unless told otherwise"
    );
    println!("{:<20}{:>12}{:>16}{:>16}", "", "", "µs a message", "messages a s");
    for (point, costs) in points.iter().zip(&costs) {
        let (cost, rate) = (median(costs.iter().map(|c| c.0)), median(costs.iter().map(|c| c.1)));
        let bar = "▇".repeat(cost.round() as usize);
        println!("{:<20}{:>12}{cost:>16.1}{:>16}  {bar}", point.what, thousands(point.value as f64), thousands(rate));
    }
}
