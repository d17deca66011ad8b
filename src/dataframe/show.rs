//! Spark's grid of `show`: cells right-aligned and cut at 20 characters, or left-aligned and whole.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use crate::Result;
use crate::rows::text_value;

/// How `show` prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Rows at most; when there are more, a last line says so.
    pub(crate) rows: usize,
    /// Characters of a cell at most; 0 for no limit.
    pub(crate) truncate: usize,
}

impl Grid {
    /// The grid of the first rows of `batches`.
    pub(crate) fn print(self, schema: &Schema, batches: &[RecordBatch]) -> Result<String> {
        let mut lines: Vec<Vec<String>> = vec![schema.fields().iter().map(|f| self.cut(f.name().clone())).collect()];
        let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
        'rows: for batch in batches {
            for row in 0..batch.num_rows() {
                if lines.len() > self.rows {
                    break 'rows;
                }
                let cells: Result<Vec<String>> = batch.columns().iter().map(|column| Ok(self.cut(text_value(column, row)?))).collect();
                lines.push(cells?);
            }
        }
        Ok(self.draw(&lines, total))
    }

    fn cut(self, cell: String) -> String {
        let cell = cell.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
        if self.truncate == 0 || cell.chars().count() <= self.truncate {
            return cell;
        }
        if self.truncate < 4 {
            return cell.chars().take(self.truncate).collect();
        }
        cell.chars().take(self.truncate - 3).collect::<String>() + "..."
    }

    fn draw(self, lines: &[Vec<String>], total: usize) -> String {
        let columns = lines[0].len();
        let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0).max(3);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let rule = format!("+{}\n", widths.iter().map(|w| "-".repeat(*w) + "+").collect::<String>());
        let mut text = rule.clone();
        for (i, line) in lines.iter().enumerate() {
            text.push('|');
            for (cell, width) in line.iter().zip(&widths) {
                let blanks = " ".repeat(width - cell.chars().count());
                if self.truncate > 0 {
                    text.push_str(&blanks);
                    text.push_str(cell);
                } else {
                    text.push_str(cell);
                    text.push_str(&blanks);
                }
                text.push('|');
            }
            text.push('\n');
            if i == 0 {
                text.push_str(&rule);
            }
        }
        text.push_str(&rule);
        if total > self.rows {
            let rows = if self.rows == 1 { "row" } else { "rows" };
            text.push_str(&format!("only showing top {} {rows}\n", self.rows));
        }
        text
    }
}
