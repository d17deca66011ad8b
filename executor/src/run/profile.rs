//! A run's report for people and for programs: its stages as they were at last, what was changed in them meanwhile, and what each operator
//! did where the run was measured.
//!
//! ```text
//! Stage 2: 1 task, reads 0
//!   * ran in 0.6 ms, 1 attempt; wrote 3 rows, 72 B
//!   * broadcast: stage 0 has 640 B: every task reads all of it, and stage 1 is not exchanged
//!   HashJoinExec: mode=CollectLeft, …, metrics=[output_rows=3, elapsed_compute=0.1 ms]
//!     StageReadExec: stage=0, broadcast, metrics=[output_rows=4, elapsed_compute=0.0 ms]
//! Stage 1 became part of stage 2
//! Roots: 2
//! Rows: 3
//! Time: 4.3 ms
//! ```

use std::time::Duration;

use serde_json::{Value, json};
use tidemill_planner::stage::{Change, StageId, shown_bytes};

use super::figures::{OperatorStats, ScanStats};
use super::report::{RunReport, StageStats};

impl RunReport {
    /// How many rows the roots gave.
    pub fn rows(&self) -> u64 {
        self.stages.iter().filter(|stage| self.graph.roots.contains(&stage.stage)).map(StageStats::rows_written).sum()
    }

    /// What was changed in a stage while the run went on.
    fn changes_of(&self, stage: StageId) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.stage == stage)
    }

    /// The report as text: a line per operator, with its figures.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for stage in &self.graph.stages {
            match stage.absorbed_by {
                Some(reader) => text.push_str(&format!("Stage {} became part of stage {reader}\n", stage.id)),
                None => text.push_str(&format!("{}\n", stage.head())),
            }
            let stats = self.stages.iter().find(|stats| stats.stage == stage.id);
            if let Some(stats) = stats {
                text.push_str(&format!("  * {}\n", stats.sentence()));
            }
            for change in self.changes_of(stage.id) {
                text.push_str(&format!("  * {}: {}\n", change.rule, change.what));
            }
            for operator in stats.into_iter().flat_map(|stats| &stats.operators) {
                let indent = "  ".repeat(operator.depth + 1);
                text.push_str(&format!("{indent}{}, metrics=[{}]\n", operator.text, operator.figures()));
            }
        }
        let roots: Vec<String> = self.graph.roots.iter().map(StageId::to_string).collect();
        text.push_str(&format!("Roots: {}\n", roots.join(", ")));
        for (what, files) in &self.spills {
            text.push_str(&format!("Spilled: {}, {what}\n", counted(*files, "file")));
        }
        text + &format!("Rows: {}\nTime: {}\n", self.rows(), shown_time(self.elapsed))
    }

    /// The report as data: what [`StageGraph::to_json`](tidemill_planner::stage::StageGraph::to_json) says of the stages as they were at
    /// last, and of each the figures.
    ///
    /// ```text
    /// {"stages": [{"id": 2, "tasks": 1, "inputs": [0], "output": null, "operators": ["HashJoinExec: …", "  StageReadExec: …"],
    ///              "attempts": 1, "rows_written": 3, "bytes_written": 72, "spilled_blocks": 0, "spilled_bytes": 0, "elapsed_ms": 0.6,
    ///              "changes": ["broadcast: …"],
    ///              "metrics": [{"depth": 0, "output_rows": 3, "elapsed_compute_ms": 0.1, "spill_count": 0, "spilled_bytes": 0}, …]}, …],
    ///  "roots": [2], "rows": 3, "elapsed_ms": 4.3}
    /// ```
    pub fn to_json(&self) -> Value {
        let mut graph = self.graph.to_json();
        if let Some(stages) = graph.get_mut("stages").and_then(Value::as_array_mut) {
            for stage in stages.iter_mut().filter_map(Value::as_object_mut) {
                let id = stage.get("id").and_then(Value::as_u64);
                let Some(stats) = self.stages.iter().find(|stats| Some(stats.stage.0 as u64) == id) else { continue };
                let changes: Vec<String> = self.changes_of(stats.stage).map(|change| format!("{}: {}", change.rule, change.what)).collect();
                if !stats.operators.is_empty() {
                    let lines = stats.operators.iter().map(|operator| format!("{}{}", "  ".repeat(operator.depth), operator.text));
                    stage.insert("operators".to_owned(), lines.collect());
                }
                stage.insert("attempts".to_owned(), json!(stats.attempts()));
                if stats.is_elsewhere() {
                    stage.insert("executors".to_owned(), json!(stats.executors));
                }
                stage.insert("rows_written".to_owned(), json!(stats.rows_written()));
                stage.insert("bytes_written".to_owned(), json!(stats.bytes_written()));
                stage.insert("spilled_blocks".to_owned(), json!(stats.spilled_blocks));
                stage.insert("spilled_bytes".to_owned(), json!(stats.spilled_bytes));
                stage.insert("elapsed_ms".to_owned(), json!(millis(stats.elapsed)));
                stage.insert("changes".to_owned(), json!(changes));
                stage.insert("metrics".to_owned(), stats.operators.iter().map(OperatorStats::to_json).collect());
            }
        }
        if let Some(graph) = graph.as_object_mut() {
            graph.insert("rows".to_owned(), json!(self.rows()));
            graph.insert("elapsed_ms".to_owned(), json!(millis(self.elapsed)));
        }
        graph
    }
}

impl StageStats {
    /// Attempts at all of its tasks.
    pub fn attempts(&self) -> u64 {
        self.tasks as u64 + self.retries
    }

    /// Rows that its tasks wrote.
    pub fn rows_written(&self) -> u64 {
        self.rows.iter().sum()
    }

    /// Bytes in memory of those rows.
    pub fn bytes_written(&self) -> u64 {
        self.bytes.iter().sum()
    }

    /// Whether any of it ran on another executor than the first, which is the only one where nothing else is said.
    fn is_elsewhere(&self) -> bool {
        self.executors.iter().any(|executor| *executor > 0)
    }

    fn sentence(&self) -> String {
        let (attempts, rows) = (counted(self.attempts(), "attempt"), counted(self.rows_written(), "row"));
        let spilled = match self.spilled_blocks {
            0 => String::new(),
            blocks => format!("; {} of {} went to disk", counted(blocks, "block"), shown_bytes(self.spilled_bytes)),
        };
        let executors: Vec<String> = self.executors.iter().map(usize::to_string).collect();
        let place = match &executors[..] {
            _ if !self.is_elsewhere() => String::new(),
            [one] => format!(" on executor {one}"),
            several => format!(" on executors {}", several.join(", ")),
        };
        let (elapsed, bytes) = (shown_time(self.elapsed), shown_bytes(self.bytes_written()));
        format!("ran in {elapsed}{place}, {attempts}; wrote {rows}, {bytes}{spilled}")
    }
}

impl OperatorStats {
    /// Its figures by the engine's names of them.
    fn figures(&self) -> String {
        let mut all = vec![format!("output_rows={}", self.rows), format!("elapsed_compute={}", shown_time(self.elapsed))];
        if self.spilled_files > 0 {
            all.push(format!("spill_count={}, spilled_bytes={}", self.spilled_files, shown_bytes(self.spilled_bytes)));
        }
        if let Some(ScanStats { bytes_scanned, file_ranges, file_ranges_pruned, row_groups, row_groups_pruned }) = &self.scan {
            all.push(format!("bytes_scanned={}", shown_bytes(*bytes_scanned)));
            all.push(format!("file_ranges_pruned={file_ranges_pruned} of {file_ranges}"));
            all.push(format!("row_groups_pruned={row_groups_pruned} of {row_groups}"));
        }
        all.join(", ")
    }

    fn to_json(&self) -> Value {
        let mut figures = json!({
            "depth": self.depth,
            "output_rows": self.rows,
            "elapsed_compute_ms": millis(self.elapsed),
            "spill_count": self.spilled_files,
            "spilled_bytes": self.spilled_bytes,
        });
        if let (Some(scan), Some(figures)) = (&self.scan, figures.as_object_mut()) {
            figures.insert("bytes_scanned".to_owned(), json!(scan.bytes_scanned));
            figures.insert("file_ranges".to_owned(), json!(scan.file_ranges));
            figures.insert("file_ranges_pruned".to_owned(), json!(scan.file_ranges_pruned));
            figures.insert("row_groups".to_owned(), json!(scan.row_groups));
            figures.insert("row_groups_pruned".to_owned(), json!(scan.row_groups_pruned));
        }
        figures
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn shown_time(time: Duration) -> String {
    if time < Duration::from_secs(1) { format!("{:.1} ms", millis(time)) } else { format!("{:.2} s", time.as_secs_f64()) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidemill_planner::stage::StageId;

    use super::{OperatorStats, ScanStats, StageStats};

    #[test]
    fn figures_are_said_where_there_are_any() {
        let operator = OperatorStats { rows: 3, elapsed: Duration::from_micros(1_240), ..OperatorStats::default() };
        let spilled = OperatorStats { spilled_files: 2, spilled_bytes: 2_048, ..operator.clone() };
        let scan = ScanStats { bytes_scanned: 10, file_ranges: 4, file_ranges_pruned: 1, row_groups: 6, row_groups_pruned: 5 };
        let scanned = OperatorStats { scan: Some(scan), elapsed: Duration::from_millis(1_500), ..operator.clone() };
        for (operator, expected) in [
            (operator, "output_rows=3, elapsed_compute=1.2 ms"),
            (spilled, "output_rows=3, elapsed_compute=1.2 ms, spill_count=2, spilled_bytes=2.0 KiB"),
            (scanned, "output_rows=3, elapsed_compute=1.50 s, bytes_scanned=10 B, file_ranges_pruned=1 of 4, row_groups_pruned=5 of 6"),
        ] {
            assert_eq!(operator.figures(), expected);
        }
    }

    #[test]
    fn a_stage_in_a_sentence() {
        let stage = |tasks, retries, rows: &[u64], spilled_blocks| StageStats {
            stage: StageId(0),
            tasks,
            retries,
            executors: vec![0],
            rows: rows.to_vec(),
            bytes: rows.iter().map(|rows| 8 * rows).collect(),
            spilled_blocks,
            spilled_bytes: 100 * spilled_blocks,
            operators: Vec::new(),
            elapsed: Duration::from_millis(20),
        };
        let on = |executors: &[usize]| StageStats { executors: executors.to_vec(), ..stage(3, 0, &[5], 0) };
        for (stage, expected) in [
            (stage(1, 0, &[1], 0), "ran in 20.0 ms, 1 attempt; wrote 1 row, 8 B"),
            (stage(2, 1, &[3, 0, 4], 0), "ran in 20.0 ms, 3 attempts; wrote 7 rows, 56 B"),
            (stage(2, 0, &[], 1), "ran in 20.0 ms, 2 attempts; wrote 0 rows, 0 B; 1 block of 100 B went to disk"),
            (stage(2, 0, &[5], 3), "ran in 20.0 ms, 2 attempts; wrote 5 rows, 40 B; 3 blocks of 300 B went to disk"),
            (on(&[2]), "ran in 20.0 ms on executor 2, 3 attempts; wrote 5 rows, 40 B"),
            (on(&[0, 2]), "ran in 20.0 ms on executors 0, 2, 3 attempts; wrote 5 rows, 40 B"),
        ] {
            assert_eq!(stage.sentence(), expected);
        }
    }
}
