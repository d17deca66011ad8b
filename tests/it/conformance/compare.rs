//! Whether an outcome is what Spark's golden file says: rows, column names and types, or the condition of an error.

use tidemill_spark::types::SparkType;

use super::golden::Case;
use super::run::{Outcome, Rows};

/// What Spark does with a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Gives rows.
    Query,
    /// Fails.
    Error,
    /// Does something, and gives no rows.
    Command,
}

/// What came of a comparison, with what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It agrees.
    Good,
    /// The rows are right, in another order than the statement asks for, or among equals than Spark's.
    Order,
    /// The rows are right, names or types of columns are not.
    Schema(String),
    /// Other rows.
    Rows(String),
    /// An error, but not this one: our condition, or our message when we have none.
    Condition(String),
    /// Rows where Spark has an error.
    Accepted(String),
    /// An error where Spark has rows: our condition, or `no condition`, and the message.
    Failed(String, String),
    /// A panic.
    Panicked(String),
    /// No answer in time.
    Unanswered,
}

impl Verdict {
    pub(crate) fn is_good(&self) -> bool {
        *self == Self::Good
    }

    /// In a word or two: what a summary counts.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Good => "agrees".to_owned(),
            Self::Order => "other order".to_owned(),
            Self::Schema(_) => "other schema".to_owned(),
            Self::Rows(_) => "other rows".to_owned(),
            Self::Condition(_) => "other condition".to_owned(),
            Self::Accepted(_) => "accepted".to_owned(),
            Self::Failed(condition, _) => condition.clone(),
            Self::Panicked(_) => "panic".to_owned(),
            Self::Unanswered => "no answer".to_owned(),
        }
    }

    /// What there is to say about it.
    pub(crate) fn note(&self) -> &str {
        match self {
            Self::Good | Self::Order | Self::Unanswered => "",
            Self::Schema(note) | Self::Rows(note) | Self::Condition(note) | Self::Accepted(note) => note,
            Self::Failed(_, note) | Self::Panicked(note) => note,
        }
    }
}

/// What Spark does with the statement of a case.
pub(super) fn class(case: &Case) -> Class {
    if case.schema != "struct<>" {
        Class::Query
    } else if exception(case).is_some() {
        Class::Error
    } else if case.output.trim().is_empty() {
        Class::Command
    } else {
        Class::Query
    }
}

/// What stands behind the name of a Java exception on the first line.
fn exception(case: &Case) -> Option<&str> {
    let (first, rest) = case.output.split_once('\n').unwrap_or((&case.output, ""));
    let name = first.trim();
    let is_java = name.contains('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '$'));
    (is_java && (name.ends_with("Exception") || name.ends_with("Error"))).then_some(rest)
}

/// Spark's condition and SQLSTATE, where it has one, for a statement that fails; a few old errors have none.
pub(crate) fn expected_condition(case: &Case) -> Option<(String, Option<String>)> {
    let value: serde_json::Value = serde_json::from_str(exception(case)?).ok()?;
    let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
    Some((text("condition").or_else(|| text("errorClass"))?, text("sqlState")))
}

/// Whether the outcome is what the case says.
pub(crate) fn judge(case: &Case, outcome: &Outcome) -> Verdict {
    match (class(case), outcome) {
        (_, Outcome::Panicked(message)) => Verdict::Panicked(message.clone()),
        (_, Outcome::Unanswered) => Verdict::Unanswered,
        (Class::Error, Outcome::Failed { condition, sqlstate, message }) => match expected_condition(case) {
            // Nothing to compare but that it fails.
            None => Verdict::Good,
            Some((name, state)) if condition.as_ref() == Some(&name) && (state.is_none() || state == *sqlstate) => Verdict::Good,
            Some((name, state)) => Verdict::Condition(format!("want {name} {}, got {message}", state.unwrap_or_default())),
        },
        (Class::Error, Outcome::Rows(rows)) => {
            let expected = expected_condition(case).map_or_else(|| "an error".to_owned(), |(name, _)| name);
            Verdict::Accepted(format!("want {expected}, got {}", shown(&rows.rows.join("\n"))))
        }
        (Class::Query | Class::Command, Outcome::Failed { condition, message, .. }) => {
            Verdict::Failed(condition.clone().unwrap_or_else(|| "no condition".to_owned()), message.clone())
        }
        (Class::Command, Outcome::Rows(_)) => Verdict::Good,
        (Class::Query, Outcome::Rows(rows)) => match compare(&case.output, rows) {
            Match::Different => Verdict::Rows(format!("want {}, got {}", shown(&case.output), shown(&rows.rows.join("\n")))),
            _ if rows.schema != case.schema => Verdict::Schema(format!("want {}, got {}", case.schema, rows.schema)),
            Match::Same => Verdict::Good,
            Match::OtherOrder => Verdict::Order,
        },
    }
}

fn shown(text: &str) -> String {
    let short: String = text.chars().take(400).collect();
    format!("{short:?}")
}

/// How rows compare with those of a golden file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Same,
    OtherOrder,
    Different,
}

/// Compares rows with the text of a golden file, which has them sorted as text unless the statement orders them.
pub(super) fn compare(expected: &str, rows: &Rows) -> Match {
    let is_rounded = rows.types.iter().any(has_double);
    let ours = lines(&rows.rows.join("\n"));
    let theirs = lines(expected);
    if same_lines(&theirs, &ours, is_rounded) {
        return Match::Same;
    }
    let mut sorted = rows.rows.clone();
    sorted.sort();
    let mut ours = lines(&sorted.join("\n"));
    let mut is_same = same_lines(&theirs, &ours, is_rounded);
    if !is_same {
        // Rows with line breaks: what was sorted is not what is compared.
        let mut theirs = theirs;
        theirs.sort();
        ours.sort();
        is_same = same_lines(&theirs, &ours, is_rounded);
    }
    match (is_same, rows.is_ordered) {
        (false, _) => Match::Different,
        (true, true) => Match::OtherOrder,
        (true, false) => Match::Same,
    }
}

fn lines(text: &str) -> Vec<String> {
    text.trim_end().split('\n').map(str::to_owned).collect()
}

fn has_double(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Double => true,
        SparkType::Array(element, _) => has_double(element),
        SparkType::Map(key, value, _) => has_double(key) || has_double(value),
        SparkType::Struct(fields) => fields.iter().any(|field| has_double(&field.data_type)),
        _ => false,
    }
}

fn same_lines(left: &[String], right: &[String], is_rounded: bool) -> bool {
    let same = |(left, right): (&String, &String)| left == right || (is_rounded && is_close(left, right));
    left.len() == right.len() && left.iter().zip(right).all(same)
}

/// Whether two lines are the same but for the last digits of numbers with a fraction or an exponent: 12 digits must agree.
fn is_close(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (left, right);
    loop {
        match (number(left), number(right)) {
            (Some((a, left_rest)), Some((b, right_rest))) => {
                if (a - b).abs() > 1e-12 * a.abs().max(b.abs()) {
                    return false;
                }
                (left, right) = (left_rest, right_rest);
            }
            (None, None) => {
                let (mut a, mut b) = (left.chars(), right.chars());
                match (a.next(), b.next()) {
                    (None, None) => return true,
                    (x, y) if x != y => return false,
                    _ => (left, right) = (a.as_str(), b.as_str()),
                }
            }
            _ => return false,
        }
    }
}

/// The number with a fraction or an exponent that the text begins with, and the rest.
fn number(text: &str) -> Option<(f64, &str)> {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let begins = |at: usize, c: char| text[at..].starts_with(c);
    let start = usize::from(begins(0, '-'));
    let whole = digits(start);
    if whole == 0 {
        return None;
    }
    let mut end = start + whole;
    let mut is_exact = true;
    if begins(end, '.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
        is_exact = false;
    }
    if begins(end, 'E') {
        let sign = usize::from(begins(end + 1, '-'));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
            is_exact = false;
        }
    }
    if is_exact {
        return None;
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(schema: &str, output: &str) -> Case {
        Case { schema: schema.to_owned(), output: output.to_owned(), ..Case::default() }
    }

    fn rows(types: &[SparkType], texts: &[&str], is_ordered: bool) -> Rows {
        let rows = texts.iter().map(|text| (*text).to_owned()).collect();
        Rows { schema: "struct<a:double>".to_owned(), types: types.to_vec(), rows, is_ordered, is_command: false }
    }

    #[test]
    fn statements_have_classes() {
        let error = "org.example.SomeException\n{\n  \"errorClass\" : \"A.B\",\n  \"sqlState\" : \"42000\"\n}";
        for (schema, output, expected, condition) in [
            ("struct<a:int>", "1", Class::Query, None),
            ("struct<a:int>", "", Class::Query, None),
            ("struct<>", "", Class::Command, None),
            ("struct<>", error, Class::Error, Some(("A.B".to_owned(), Some("42000".to_owned())))),
            ("struct<>", "java.lang.SomeError\nwords", Class::Error, None),
            ("struct<>", "an Exception", Class::Query, None),
        ] {
            let case = case(schema, output);
            assert_eq!((class(&case), expected_condition(&case)), (expected, condition), "{output}");
        }
    }

    #[test]
    fn errors_are_compared_by_condition() {
        let failed = |condition: Option<&str>| Outcome::Failed {
            condition: condition.map(str::to_owned),
            sqlstate: Some("42000".to_owned()),
            message: "why".to_owned(),
        };
        for (state, is_good) in [("", true), (", \"sqlState\": \"42000\"", true), (", \"sqlState\": \"42001\"", false)] {
            let case = case("struct<>", &format!("a.BException\n{{\"condition\": \"A.B\"{state}}}"));
            assert_eq!(judge(&case, &failed(Some("A.B"))).is_good(), is_good, "{state}");
        }
        let case = case("struct<>", "a.BException\n{\"condition\": \"A.B\"}");
        assert_eq!(judge(&case, &failed(Some("A"))).kind(), "other condition");
        assert_eq!(judge(&case, &failed(None)).kind(), "other condition");
        assert_eq!(judge(&case, &Outcome::Rows(Rows::default())).kind(), "accepted");
        assert_eq!(judge(&case, &Outcome::Unanswered).kind(), "no answer");
    }

    #[test]
    fn rows_are_compared_sorted_unless_ordered() {
        let int = [SparkType::Integer];
        let table: [(&str, &[&str], bool, Match); 7] = [
            ("1\n2", &["2", "1"], false, Match::Same),
            ("1\n2", &["2", "1"], true, Match::OtherOrder),
            ("2\n1", &["2", "1"], true, Match::Same),
            ("1\n2", &["2", "1", "1"], false, Match::Different),
            ("", &[], false, Match::Same),
            ("\n1", &["1", ""], false, Match::Same),
            ("x\ny\nb", &["b", "x\ny"], false, Match::Same),
        ];
        for (expected, ours, is_ordered, verdict) in table {
            assert_eq!(compare(expected, &rows(&int, ours, is_ordered)), verdict, "{expected:?} {ours:?}");
        }
    }

    #[test]
    fn doubles_agree_to_twelve_digits() {
        let double = [SparkType::Double];
        for (expected, ours, verdict) in [
            ("0.30000000000000004", "0.3", Match::Same),
            ("1.0E10\tx", "1.0000000000000002E10\tx", Match::Same),
            ("1.00001", "1.0", Match::Different),
            ("1.5", "-1.5", Match::Different),
            ("[0.1,é]", "[0.10000000000000001,é]", Match::Same),
            ("10", "11", Match::Different),
            ("1.5", "1.5 ", Match::Same),
        ] {
            assert_eq!(compare(expected, &rows(&double, &[ours], false)), verdict, "{expected} {ours}");
        }
        assert_eq!(compare("0.30000000000000004", &rows(&[SparkType::String], &["0.3"], false)), Match::Different);
    }

    #[test]
    fn schemas_are_compared_exactly() {
        let outcome = Outcome::Rows(rows(&[SparkType::Double], &["1.0"], false));
        assert_eq!(judge(&case("struct<a:double>", "1.0"), &outcome), Verdict::Good);
        assert_eq!(judge(&case("struct<A:double>", "1.0"), &outcome).kind(), "other schema");
        assert_eq!(judge(&case("struct<A:double>", "2.0"), &outcome).kind(), "other rows");
    }
}
