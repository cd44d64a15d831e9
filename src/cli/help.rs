//! `tapis help`: the commands, one command, or a longer document.

use clap::CommandFactory;

use super::{Cli, Exit, fail, say};
use crate::config::diagnostic::nearest;
use crate::manual::{TOPICS, topic};

/// Tells about a command or a topic.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A command, or one of the topics.
    #[arg(value_name = "TOPIC")]
    topic: Option<String>,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let mut cli = Cli::command();
    // Subcommands know their full names only once they are built.
    cli.build();
    let Some(name) = args.topic.as_deref() else {
        say(cli.render_help());
        return Exit::Fine;
    };
    if let Some(topic) = topic(name) {
        say(topic.text.trim_end());
        return Exit::Fine;
    }
    if let Some(command) = cli.find_subcommand_mut(name) {
        say(command.render_long_help());
        return Exit::Fine;
    }
    let known: Vec<String> = cli.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let known = known.iter().map(String::as_str).chain(TOPICS.iter().map(|t| t.name));
    let near = nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    fail(Exit::Usage, format_args!("there is no command or topic `{name}`{near}"))
}

/// What stands below the commands.
pub(super) fn contents() -> String {
    let mut out = String::from("Topics, for `tapis help TOPIC`:\n");
    for topic in TOPICS {
        out.push_str(&format!("  {:<12} {}\n", topic.name, topic.about));
    }
    out
}
