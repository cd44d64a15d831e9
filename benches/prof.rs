use std::time::Instant;
use tapis::text::fold::Views;
fn main() {
    let mut lang = std::env::args().nth(1).unwrap_or_default();
    if lang.starts_with("--") {
        lang = String::new();
    }
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(20);
    let undo = std::env::var_os("UNDO").is_some();
    let mut texts = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir("../shared/data/messages")
        .unwrap()
        .flatten()
        .map(|f| f.path())
        .filter(|p| p.extension().is_some_and(|e| e == "tsv"))
        .collect();
    files.sort();
    for f in files {
        for l in std::fs::read_to_string(f).unwrap().lines().skip(1) {
            let mut p = l.splitn(3, '\t');
            p.next();
            let g = p.next().unwrap_or("");
            if lang.is_empty() || g == lang {
                if let Some(t) = p.next() {
                    texts.push(t.to_owned());
                }
            }
        }
    }
    let texts: Vec<_> = texts.into_iter().step_by(3).collect();
    let mut v = Views::default();
    let mut best = f64::MAX;
    for _ in 0..rounds {
        let t = Instant::now();
        for x in &texts {
            v.read(x);
            if undo {
                v.undo(x, &|_| false);
            }
            std::hint::black_box(&v);
        }
        best = best.min(t.elapsed().as_secs_f64());
    }
    let b: usize = texts.iter().map(|t| t.len()).sum();
    println!("{} texts {} octets: {:.0} ns each", texts.len(), b / texts.len(), best * 1e9 / texts.len() as f64);
}
