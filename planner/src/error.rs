//! The one error type that crosses crates: a kind that tells the user what to do next, a message that says
//! what happened and where, and the cause. Each crate words its own messages.

use std::fmt;

use datafusion::error::DataFusionError;

/// `Result` with Tidemill's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the user does next about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The query or an option is wrong: change it. Nothing was run.
    Analysis,
    /// The feature is not there yet: the message names what to do instead.
    Unsupported,
    /// A row or a file breaks a rule of the query: mend the data, or set it aside.
    Data,
    /// A table, file or checkpoint is not there: check the path.
    NotFound,
    /// Another writer got in between and the operation may be tried again.
    Conflict,
    /// Another run of the same query has taken over: leave it the field.
    Fenced,
    /// A durable file is damaged or foreign: the message names it and the way out.
    Corrupt,
    /// Storage or the network failed: try again when it works.
    Io,
    /// A write was made, or may have been, and may not survive a power cut: look whether it is there before writing it again.
    /// Only a write that knows itself again (one with a txn, or a query from its checkpoint) may simply be repeated.
    OutcomeUnknown,
    /// A limit (memory, disk) was reached: give more or ask for less.
    Resources,
    /// The query was stopped.
    Cancelled,
    /// A bug in Tidemill: report it with the message.
    Internal,
}

impl ErrorKind {
    /// The kind's stable name, as it stands in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Unsupported => "unsupported",
            Self::Data => "data",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Fenced => "fenced",
            Self::Corrupt => "corrupt",
            Self::Io => "io",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Resources => "resources",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

/// What went wrong, where, and what to do: see [`ErrorKind`].
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    condition: Option<Box<Condition>>,
}

/// What Spark calls an error, and where in the text of a statement it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Spark's error condition, as in `UNRESOLVED_COLUMN.WITH_SUGGESTION`.
    pub name: String,
    /// Its SQLSTATE.
    pub sqlstate: String,
    /// The parameters of Spark's message, by name.
    pub parameters: Vec<(String, String)>,
    /// The bytes of the statement that it is about.
    pub place: Option<std::ops::Range<usize>>,
}

macro_rules! constructors {
    ($($name:ident => $kind:ident),* $(,)?) => {
        $(
            #[doc = concat!("An error of kind [`ErrorKind::", stringify!($kind), "`].")]
            pub fn $name(message: impl Into<String>) -> Self {
                Self::new(ErrorKind::$kind, message)
            }
        )*
    };
}

impl Error {
    /// An error without a cause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None, condition: None }
    }

    constructors! {
        analysis => Analysis, unsupported => Unsupported, data => Data, not_found => NotFound, conflict => Conflict,
        fenced => Fenced, corrupt => Corrupt, io => Io, outcome_unknown => OutcomeUnknown, resources => Resources,
        cancelled => Cancelled, internal => Internal,
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error as one of Spark's conditions.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = Some(Box::new(condition));
        self
    }

    /// The same error with a parameter of Spark's message.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        if let Some(condition) = &mut self.condition {
            condition.parameters.push((name.into(), value.to_string()));
        }
        self
    }

    /// The same error, about these bytes of the statement unless it has a place already.
    #[must_use]
    pub fn at(mut self, place: std::ops::Range<usize>) -> Self {
        if let Some(condition) = &mut self.condition {
            condition.place.get_or_insert(place);
        }
        self
    }

    /// What Spark calls it, if it does.
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_deref()
    }

    /// The same error, its message led by what was being done.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// What the user does next.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened and where.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same work may succeed when it is tried again. What may be done already ([`ErrorKind::OutcomeUnknown`]) is not tried
    /// again unseen.
    pub fn is_transient(&self) -> bool {
        self.kind == ErrorKind::Io
    }

    /// An input/output error at `path`.
    pub fn io_at(path: impl fmt::Display, error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::StorageFull => ErrorKind::Resources,
            _ => ErrorKind::Io,
        };
        Self::new(kind, format!("{path}: {error}")).with_source(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|s| s.as_ref() as _)
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        // An error of ours that crossed a DataFusion operator comes back as it was.
        let error = match error {
            DataFusionError::External(inner) => match inner.downcast::<Error>() {
                Ok(ours) => return *ours,
                Err(other) => DataFusionError::External(other),
            },
            other => other,
        };
        let kind = match error.find_root() {
            DataFusionError::External(inner) => inner.downcast_ref::<Error>().map_or(ErrorKind::Internal, Error::kind),
            DataFusionError::Plan(_) | DataFusionError::SchemaError(..) | DataFusionError::SQL(..) => ErrorKind::Analysis,
            DataFusionError::NotImplemented(_) => ErrorKind::Unsupported,
            DataFusionError::ResourcesExhausted(_) => ErrorKind::Resources,
            root @ DataFusionError::IoError(_) => storage_kind(root).unwrap_or(ErrorKind::Io),
            DataFusionError::ObjectStore(_) => ErrorKind::Io,
            // What reads files wraps what the storage said.
            root @ (DataFusionError::ArrowError(..) | DataFusionError::ParquetError(_)) => storage_kind(root).unwrap_or(ErrorKind::Data),
            DataFusionError::Execution(_) => ErrorKind::Data,
            _ => ErrorKind::Internal,
        };
        // What Spark calls an error of ours that was wrapped on its way is kept.
        let condition = match error.find_root() {
            DataFusionError::External(inner) => inner.downcast_ref::<Error>().and_then(|ours| ours.condition.clone()),
            _ => None,
        };
        let mut made = Self::new(kind, error.strip_backtrace()).with_source(error);
        made.condition = condition;
        made
    }
}

/// What the storage said at the bottom of an error of those who read files; `None` where it gave all that it was asked for, and that was
/// damaged.
fn storage_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    use std::io::ErrorKind::{InvalidData, InvalidInput, NotFound, QuotaExceeded, StorageFull, UnexpectedEof};
    let (mut cause, mut kind) = (Some(error), None);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            kind = match io.kind() {
                NotFound => Some(ErrorKind::NotFound),
                StorageFull | QuotaExceeded => Some(ErrorKind::Resources),
                InvalidData | InvalidInput | UnexpectedEof => None,
                _ => Some(ErrorKind::Io),
            };
        } else if let Some(store) = error.downcast_ref::<object_store::Error>() {
            kind = Some(if matches!(store, object_store::Error::NotFound { .. }) { ErrorKind::NotFound } else { ErrorKind::Io });
        }
        cause = error.source();
    }
    kind
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        DataFusionError::from(error).into()
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::corrupt(format!("invalid JSON: {error}")).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::parquet::errors::ParquetError;

    use super::*;

    #[test]
    fn what_the_storage_said_is_found_beneath_those_who_read_files() {
        use arrow::error::ArrowError;
        use std::io::{Error as IoError, ErrorKind as Io};
        let parquet = |io: IoError| DataFusionError::from(ParquetError::External(Box::new(io)));
        let store = |source: IoError| object_store::Error::Generic { store: "S3", source: Box::new(source) };
        let cases: [(DataFusionError, ErrorKind); 8] = [
            (parquet(IoError::new(Io::TimedOut, "slow")), ErrorKind::Io),
            (parquet(IoError::new(Io::NotFound, "gone")), ErrorKind::NotFound),
            (parquet(IoError::new(Io::UnexpectedEof, "short")), ErrorKind::Data),
            (DataFusionError::from(ParquetError::General("bad page".to_owned())), ErrorKind::Data),
            (DataFusionError::from(ParquetError::External(Box::new(store(IoError::new(Io::BrokenPipe, "reset"))))), ErrorKind::Io),
            (DataFusionError::from(ArrowError::IoError("reading".to_owned(), IoError::other("disk"))), ErrorKind::Io),
            (DataFusionError::from(ArrowError::ExternalError(Box::new(store(IoError::other("503"))))), ErrorKind::Io),
            (DataFusionError::from(ArrowError::ParseError("x".to_owned())), ErrorKind::Data),
        ];
        for (error, kind) in cases {
            let shown = error.to_string();
            assert_eq!(Error::from(error.context("while reading")).kind(), kind, "{shown}");
        }
    }

    #[test]
    fn our_error_survives_a_trip_through_datafusion() {
        let there: DataFusionError = Error::fenced("run b has taken over").into();
        let back = Error::from(there.context("while running stage 2"));
        assert_eq!(back.kind(), ErrorKind::Fenced);
        assert!(back.message().contains("run b has taken over"));
    }
}
