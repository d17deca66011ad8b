//! `tidemill demo`: the main job, end to end. Running and judging are the demo's; this is its command line and its report.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::output::json_line;
use super::{Outcome, Output};
use crate::demo::{ChildConfig, DemoConfig, DemoResult, Layout, QueryConfig, run_child, run_demo};
use crate::{Result, Session};

const EXIT_CODES: &str = "\
Exit codes: 0 stream and batch agree; 1 they do not, or something failed; 2 the command line is wrong; 3 they agree, but the input
was used up before the query had been killed as often as --kills says.";

/// How often the query is killed when nobody says how often.
const DEFAULT_KILLS: u32 = 3;

/// How the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines for people.
    Text,
    /// The last line is one object.
    Json,
}

/// Stream generated events into five tables, kill the query on the way, and compare the tables with a batch.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Args {
    /// The folder for input, checkpoint and tables; emptied when a demo made it.
    #[arg(long, default_value = "tidemill-demo")]
    dir: PathBuf,
    /// How many events are generated.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
    /// What the events and the kills hang on.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// How often the query is killed; by default three times, or as often as a small input lasts.
    #[arg(long, value_parser = clap::value_parser!(u32).range(..=100_000))]
    kills: Option<u32>,
    /// Kills the query in epochs alone, and never while it starts.
    #[arg(long)]
    spare_starts: bool,
    /// A folder of your own event files, in place of generated ones: lines of JSON with eventId, userId, contentId, eventType
    /// (view_end, click, …), eventTimeMs, dwellMs and completed.
    #[arg(long)]
    input: Option<PathBuf>,
    /// How many users are generated; by default one per sixty events.
    #[arg(long)]
    users: Option<u32>,
    /// Tasks per stage: at first, and after each kill, separated by commas; 0 is one per core.
    #[arg(long, value_delimiter = ',', default_value = "0")]
    parallelism: Vec<usize>,
    #[command(flatten)]
    query: QueryArgs,
    /// Milliseconds between two files.
    #[arg(long, default_value_t = 100)]
    pace_ms: u64,
    /// How the result is printed.
    #[arg(long, value_enum, default_value = "text")]
    output: Format,
}

// How the query reads, stages and keeps. (A doc comment here would become the command's.)
#[derive(Debug, clap::Args)]
struct QueryArgs {
    /// Files per epoch at most.
    #[arg(long, default_value_t = 4)]
    max_files: usize,
    /// Stages every output as a file, as large ones are: for the fault tests.
    #[arg(long, hide = true)]
    stage_files: bool,
    /// Gives the alerts to a sink that cannot stage as well: for the fault tests.
    #[arg(long, hide = true)]
    direct: bool,
    /// Writes an image every so many epochs and keeps so many records, so that clean-ups come often: for the fault tests.
    #[arg(long, hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    keep_epochs: Option<u64>,
}

impl QueryArgs {
    fn config(&self) -> QueryConfig {
        let Self { max_files, stage_files, direct, keep_epochs } = *self;
        QueryConfig { stage_files, direct, keep_epochs, ..QueryConfig::json(max_files) }
    }
}

/// The query's own process; the demo starts it.
#[derive(Debug, clap::Args)]
pub(super) struct ChildArgs {
    #[arg(long)]
    dir: PathBuf,
    #[arg(long)]
    input: PathBuf,
    #[arg(long)]
    parallelism: usize,
    #[command(flatten)]
    query: QueryArgs,
}

pub(super) async fn run(args: Args) -> Result<Outcome> {
    let started = Instant::now();
    let config = DemoConfig {
        dir: args.dir,
        events: args.events,
        seed: args.seed,
        kills: args.kills.unwrap_or(DEFAULT_KILLS),
        kill_starts: !args.spare_starts,
        input: args.input,
        users: args.users,
        parallelism: args.parallelism,
        query: args.query.config(),
        pace: Duration::from_millis(args.pace_ms),
        quiet: args.output == Format::Json,
    };
    let (result, layout) = run_demo(&config).await?;
    let mut out = Output::new(super::output::Format::Table);
    match args.output {
        Format::Json => out.write(&json_line(&result)?)?,
        Format::Text => {
            out.write(&look(&layout).await?)?;
            out.write(&report(&result, started.elapsed()))?;
        }
    }
    // Who has not said how many kills takes those that there are.
    let fell_short = args.kills.is_some() && result.kills_missed > 0;
    Ok(if !result.agree {
        Outcome::Failed
    } else if fell_short {
        Outcome::FellShort
    } else {
        Outcome::Done
    })
}

pub(super) async fn child(args: ChildArgs) -> Result<Outcome> {
    let layout = Layout::at(&args.dir, Some(&args.input))?;
    run_child(&ChildConfig { layout, parallelism: args.parallelism, query: args.query.config() }).await?;
    Ok(Outcome::Done)
}

/// A look at the tables in batch: SQL, an earlier version, the history.
async fn look(layout: &Layout) -> Result<String> {
    let session = Session::builder().build()?;
    let baselines = layout.table("user_baselines");
    let quoted = baselines.replace('`', "``");
    let mut text = String::new();
    let sql = format!("SELECT userId, emaAsdMs, seen FROM delta.`{quoted}` ORDER BY emaAsdMs DESC, userId LIMIT 5");
    text += &format!("\nusers with the longest dwell:\n{sql}\n{}", shown(&session, &sql).await?);
    let history = session.table(&baselines).history().await?;
    let versions = history.len() as u64;
    let earlier = versions / 2;
    let count = |version: u64| format!("SELECT count(*) AS users, sum(seen) AS sessions FROM delta.`{quoted}` VERSION AS OF {version}");
    for version in [earlier, versions.saturating_sub(1)] {
        let sql = count(version);
        text += &format!("\n{sql}\n{}", shown(&session, &sql).await?);
    }
    text += &format!("\nhistory of user_baselines ({versions} versions, the newest first):\n");
    for entry in history.iter().take(5) {
        let updated = entry.operation_metrics.get("numTargetRowsUpdated");
        let updated = updated.map(|m| m.as_str().map_or_else(|| m.to_string(), str::to_owned)).unwrap_or_default();
        text += &format!("  version {:>5}  {:<12}  rows updated {updated}\n", entry.version, entry.operation);
    }
    Ok(text)
}

async fn shown(session: &Session, sql: &str) -> Result<String> {
    let grid = session.sql(sql).await?.show_string(5, 40).await?;
    Ok(if grid.ends_with('\n') { grid } else { grid + "\n" })
}

fn report(result: &DemoResult, elapsed: Duration) -> String {
    let mut text = format!(
        "\n{} events, {} duplicates, {} malformed, {} late\n{} sessions, {} baselines, {} alerts; {} rows updated by MERGE\n{} kills",
        result.events,
        result.duplicates,
        result.malformed,
        result.late,
        result.sessions,
        result.baselines,
        result.alerts,
        result.rows_updated,
        result.kills,
    );
    let phases: Vec<String> = result.kill_phases.iter().map(|(phase, n)| format!("{n} in {phase}")).collect();
    if !phases.is_empty() {
        text += &format!(" ({})", phases.join(", "));
    }
    if result.kills_missed > 0 {
        text += &format!(", {} more found no epoch", result.kills_missed);
    }
    text += &format!("; {} epochs; {:.0} s\n", result.epochs, elapsed.as_secs_f64());
    if let Some(replays) = result.direct_replays {
        text += &format!("{replays} epochs were handed to the direct sink again\n");
    }
    for (table, difference) in &result.differences {
        text += &format!("{table}: {difference}\n");
    }
    text += if result.agree { "stream and batch agree\n" } else { "stream and batch DO NOT agree\n" };
    text
}
