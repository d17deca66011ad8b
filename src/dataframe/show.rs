//! Spark's grid of `show`: cells right-aligned and cut at 20 characters, or left-aligned and whole. It draws; the values' text is
//! the renderer's.

use arrow::array::RecordBatch;
use tidemill_spark::Settings;
use tidemill_spark::types::StructField;
use tidemill_spark::types::render::pretty_text_at;

use tidemill_planner::{Error, Result};

/// No column is narrower.
const MIN_WIDTH: usize = 3;

/// How `show` prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Rows at most; when there are more, a last line says so.
    pub(crate) rows: usize,
    /// Characters of a cell at most; 0 for no limit.
    pub(crate) truncate: usize,
    /// Whether each value has a line of its own, under a line for its row.
    pub(crate) vertical: bool,
}

impl Grid {
    /// Every row, its values whole.
    #[cfg(any(test, feature = "cli"))]
    pub(crate) const ALL: Self = Self { rows: usize::MAX, truncate: 0, vertical: false };

    /// The grid of the first rows of `batches`, as Spark's `showString` has it: after a last line that tells of more rows (or of
    /// none, when vertical) no line feed follows.
    pub(crate) fn print(self, columns: &[StructField], batches: &[RecordBatch], settings: &Settings) -> Result<String> {
        let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|column| escaped(&column.name)).collect()];
        let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
        'rows: for batch in batches {
            if batch.num_columns() != columns.len() {
                return Err(Error::internal(format!("{} columns of {} came: please report it", batch.num_columns(), columns.len())));
            }
            for row in 0..batch.num_rows() {
                if lines.len() > self.rows {
                    break 'rows;
                }
                let values = columns.iter().zip(batch.columns());
                let cells: Result<Vec<String>> = values
                    .map(|(column, array)| Ok(self.cut(escaped(&pretty_text_at(array, row, &column.data_type, settings)?))))
                    .collect();
                lines.push(cells?);
            }
        }
        let mut text = if self.vertical { draw_vertical(&lines) } else { self.draw(&lines) };
        if self.vertical && lines.len() == 1 {
            text.push_str("(0 rows)");
        } else if total > self.rows {
            let rows = if self.rows == 1 { "row" } else { "rows" };
            text.push_str(&format!("only showing top {} {rows}", self.rows));
        }
        Ok(text)
    }

    /// Lengths are Java's, which counts a character beyond the first 65536 as two; half of one is shown as `?`.
    fn cut(self, cell: String) -> String {
        if self.truncate == 0 || cell.len() <= self.truncate || utf16_len(&cell) <= self.truncate {
            return cell;
        }
        let (keep, dots) = if self.truncate < 4 { (self.truncate, "") } else { (self.truncate - 3, "...") };
        let units: Vec<u16> = cell.encode_utf16().take(keep).collect();
        let kept = char::decode_utf16(units).map(|unit| unit.unwrap_or('?'));
        kept.collect::<String>() + dots
    }

    fn draw(self, lines: &[Vec<String>]) -> String {
        let columns = lines.first().map_or(0, Vec::len);
        let mut widths = vec![MIN_WIDTH; columns];
        for line in lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(half_width(cell));
            }
        }
        let rule = format!("+{}+\n", widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("+"));
        let mut text = rule.clone();
        for (i, line) in lines.iter().enumerate() {
            let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| padded(cell, *width, self.truncate > 0)).collect();
            text.push_str(&format!("|{}|\n", cells.join("|")));
            if i == 0 {
                text.push_str(&rule);
            }
        }
        text + &rule
    }
}

fn draw_vertical(lines: &[Vec<String>]) -> String {
    let Some((names, rows)) = lines.split_first() else { return String::new() };
    let widest = |cells: &[String]| cells.iter().map(|cell| half_width(cell)).max().unwrap_or(0);
    let name_width = widest(names).max(MIN_WIDTH);
    let value_width = rows.iter().map(|row| widest(row)).max().unwrap_or(0).max(MIN_WIDTH);
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        text.push_str(&format!("{:-<1$}\n", format!("-RECORD {i}"), name_width + value_width + 5));
        let cells = names.iter().zip(row);
        let cells: Vec<String> =
            cells.map(|(name, cell)| format!(" {} | {} ", padded(name, name_width, false), padded(cell, value_width, false))).collect();
        text.push_str(&cells.join("\n"));
        text.push('\n');
    }
    text
}

fn padded(cell: &str, width: usize, right: bool) -> String {
    let blanks = " ".repeat(width.saturating_sub(half_width(cell)));
    if right { blanks + cell } else { cell.to_owned() + &blanks }
}

/// What would break the lines is shown as SQL writes it.
fn escaped(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    for c in cell.chars() {
        match c {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{c}' => text.push_str("\\f"),
            '\u{8}' => text.push_str("\\b"),
            '\u{b}' => text.push_str("\\v"),
            '\u{7}' => text.push_str("\\a"),
            other => text.push(other),
        }
    }
    text
}

fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The places that a text takes in a terminal, as Spark counts them: two for what East Asia writes in full width, and for all
/// beyond the first 65536 characters.
pub(crate) fn half_width(text: &str) -> usize {
    text.chars().map(|c| c.len_utf16() + usize::from(is_full_width(c))).sum()
}

fn is_full_width(c: char) -> bool {
    matches!(
        c,
        '\u{1100}'..='\u{115F}'
            | '\u{2E80}'..='\u{A4CF}'
            | '\u{AC00}'..='\u{D7A3}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{FE10}'..='\u{FE19}'
            | '\u{FE30}'..='\u{FE6F}'
            | '\u{FF00}'..='\u{FF60}'
            | '\u{FFE0}'..='\u{FFE6}'
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, RecordBatchOptions, StringArray};
    use arrow::datatypes::Schema;
    use expect_test::{Expect, expect};

    use super::*;

    fn check(grid: Grid, texts: &[Option<&str>], expected: Expect) {
        let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..texts.len() as i32));
        let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let batch = RecordBatch::try_from_iter([("n", numbers), ("text\t", texts)]).unwrap();
        let columns = crate::rows::columns(&batch.schema());
        expected.assert_eq(&grid.print(&columns, &[batch], &Settings::default()).unwrap());
    }

    #[test]
    fn as_spark_draws() {
        let short = Grid { rows: 20, truncate: 20, vertical: false };
        check(
            short,
            &[Some("a"), None, Some("two\nlines"), Some("123456789012345678901")],
            expect![[r#"
                +---+--------------------+
                |  n|              text\t|
                +---+--------------------+
                |  0|                   a|
                |  1|                NULL|
                |  2|          two\nlines|
                |  3|12345678901234567...|
                +---+--------------------+
            "#]],
        );
        check(
            Grid::ALL,
            &[Some("한글"), Some("abcdef"), Some("😀")],
            expect![[r#"
                +---+------+
                |n  |text\t|
                +---+------+
                |0  |한글  |
                |1  |abcdef|
                |2  |😀    |
                +---+------+
            "#]],
        );
        check(
            Grid { rows: 1, ..short },
            &[Some("a"), Some("b")],
            expect![[r#"
                +---+------+
                |  n|text\t|
                +---+------+
                |  0|     a|
                +---+------+
                only showing top 1 row"#]],
        );
        check(
            Grid { vertical: true, ..short },
            &[Some("a"), Some("bcdef")],
            expect![[r#"
                -RECORD 0-------
                 n      | 0     
                 text\t | a     
                -RECORD 1-------
                 n      | 1     
                 text\t | bcdef 
            "#]],
        );
        check(Grid { vertical: true, ..short }, &[], expect!["(0 rows)"]);
    }

    #[test]
    fn cells_are_cut_as_java_cuts_them() {
        for (text, truncate, expected) in [
            ("abcdef", 5, "ab..."),
            ("abcdef", 3, "abc"),
            ("abcdef", 6, "abcdef"),
            ("éééééé", 6, "éééééé"),
            ("😀😀😀", 5, "😀..."),
            ("😀😀", 3, "😀?"),
        ] {
            assert_eq!(Grid { rows: 1, truncate, vertical: false }.cut(text.to_owned()), expected, "{text} {truncate}");
        }
    }

    #[test]
    fn no_columns() {
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
        let text = Grid::ALL.print(&[], &[batch], &Settings::default()).unwrap();
        assert_eq!(text, "++\n||\n++\n||\n++\n");
    }
}
