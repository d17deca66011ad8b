//! Relations as they were said: tables by name, joins by condition, groupings by expression.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Expression, PlanId, SortOrder, Span, WindowSpec};
use crate::types::StructField;

/// A relation, its place in the text, and the id under which programs refer to its columns.
#[derive(Clone, Serialize, Deserialize)]
pub struct Relation {
    /// What it is; shared, so that a step costs no copy of those below it.
    #[serde(serialize_with = "super::deep::serialize", deserialize_with = "super::deep::deserialize")]
    pub kind: Arc<RelationKind>,
    /// Where it was said.
    pub span: Option<Span>,
    /// The id of the DataFrame that it is, if it is one.
    pub plan_id: Option<PlanId>,
}

/// What a relation is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RelationKind {
    /// `FROM a.b.c`
    NamedTable(NamedTable),
    /// Files read by format and path: `spark.read…load()`, or SQL's `` parquet.`path` `` once opened. Streams have `is_streaming`.
    DataSource {
        /// `parquet`, `csv`, `json`, `delta`, …
        format: String,
        /// Where.
        paths: Vec<String>,
        /// How, names in the user's spelling.
        options: BTreeMap<String, String>,
        /// The columns, if the program says them.
        schema: Option<Vec<StructField>>,
        /// Whether it goes on.
        is_streaming: bool,
    },
    /// Rows or a source that the program holds, by the number under which its session keeps them.
    LocalRelation {
        /// The session's number.
        handle: u64,
    },
    /// `VALUES (…), (…)`
    Values {
        /// Rows of the same width.
        rows: Vec<Vec<Expression>>,
    },
    /// One row without columns: SELECT without FROM.
    OneRow,
    /// `range(start, end, step)` of programs, and SQL's table functions: `name(arguments)`.
    TableFunction {
        /// The function.
        name: Vec<String>,
        /// Its arguments, named ones included.
        arguments: Vec<Expression>,
    },
    /// A function's rows for each row of a relation: `LATERAL VIEW [OUTER] f(…) alias AS a, b`.
    LateralView {
        /// The rows that it is called for.
        input: Relation,
        /// The call.
        generator: Expression,
        /// Rows without any are kept.
        outer: bool,
        /// The name of the new columns' relation.
        table_alias: Option<String>,
        /// The new columns' names.
        columns: Vec<String>,
    },
    /// `SELECT expressions`, without grouping. Aggregates among them make it one group.
    Project {
        /// From what.
        input: Relation,
        /// The columns.
        expressions: Vec<Expression>,
    },
    /// `WHERE`, `df.filter`
    Filter {
        /// Of what.
        input: Relation,
        /// Which rows stay.
        condition: Expression,
    },
    /// `GROUP BY … SELECT …`
    Aggregate {
        /// Of what.
        input: Relation,
        /// How the grouping expressions are combined.
        group_type: GroupType,
        /// GROUP BY's expressions: names, ordinals, expressions; `GROUP BY ALL` has its own type.
        grouping_expressions: Vec<Expression>,
        /// The columns of the result.
        aggregate_expressions: Vec<Expression>,
        /// Whether the grouping columns come first by themselves, as in `df.groupBy(…).agg(…)`.
        keep_grouping: bool,
    },
    /// `HAVING`, over an Aggregate or a Project
    Having {
        /// Of what.
        input: Relation,
        /// Which groups stay.
        condition: Expression,
    },
    /// `QUALIFY`
    Qualify {
        /// Of what.
        input: Relation,
        /// Which rows stay after window functions.
        condition: Expression,
    },
    /// `PIVOT (aggregates FOR columns IN (values))`, and `df.groupBy(…).pivot(…)`
    Pivot {
        /// Of what.
        input: Relation,
        /// The grouping of a program; SQL groups by all columns that are not named.
        grouping_expressions: Option<Vec<Expression>>,
        /// Aggregates, perhaps with aliases.
        aggregate_expressions: Vec<Expression>,
        /// The column whose values become columns; several as a `struct` call.
        column: Expression,
        /// The values, perhaps with aliases. A program may leave them out: then they are looked up.
        values: Vec<Expression>,
        /// SQL's name for the result.
        alias: Option<TableAlias>,
    },
    /// `UNPIVOT`
    Unpivot(Box<Unpivot>),
    /// A join; comma-separated FROM items are cross joins.
    Join(Box<Join>),
    /// `UNION`, `INTERSECT`, `EXCEPT`
    SetOperation {
        /// The first.
        left: Relation,
        /// The second.
        right: Relation,
        /// Which.
        operation: SetOperation,
        /// Whether rows that are the same are kept.
        is_all: bool,
        /// Columns are matched by name.
        by_name: bool,
        /// Columns that one side lacks are null.
        allow_missing_columns: bool,
    },
    /// `SELECT DISTINCT`, `dropDuplicates`
    Deduplicate {
        /// Of what.
        input: Relation,
        /// By which columns; all if there are none.
        column_names: Vec<String>,
        /// `dropDuplicatesWithinWatermark`
        within_watermark: bool,
    },
    /// `ORDER BY`, `SORT BY`
    Sort {
        /// Of what.
        input: Relation,
        /// By what; ORDER BY ALL is a lone star.
        order: Vec<SortOrder>,
        /// Over all rows, or within each partition.
        is_global: bool,
    },
    /// `LIMIT`
    Limit {
        /// Of what.
        input: Relation,
        /// A constant; `None` for `LIMIT ALL`.
        limit: Option<Expression>,
    },
    /// `OFFSET`
    Offset {
        /// Of what.
        input: Relation,
        /// A constant.
        offset: Expression,
    },
    /// The last rows: `df.tail`
    Tail {
        /// Of what.
        input: Relation,
        /// How many.
        limit: Expression,
    },
    /// `TABLESAMPLE`, `df.sample`
    Sample {
        /// Of what.
        input: Relation,
        /// How much.
        method: SampleMethod,
        /// A row may come more than once.
        with_replacement: bool,
        /// `REPEATABLE (seed)`
        seed: Option<i64>,
    },
    /// `DISTRIBUTE BY`, `repartition`, `repartitionByRange`
    RepartitionByExpression {
        /// Of what.
        input: Relation,
        /// By what: a key, or the key of ranges if each has an order; one row after the other if there is none.
        partition_expressions: Vec<Expression>,
        /// Into how many; else the settings say it, and sizes.
        num_partitions: Option<i32>,
    },
    /// `coalesce(n)`, `repartition(n)`
    Repartition {
        /// Of what.
        input: Relation,
        /// Into how many.
        num_partitions: i32,
        /// Whether rows are dealt out anew.
        shuffle: bool,
    },
    /// `/*+ NAME(parameters) */`
    Hint {
        /// Of what.
        input: Relation,
        /// The hint.
        name: String,
        /// Its parameters.
        parameters: Vec<Expression>,
    },
    /// `(query) AS alias (columns)`
    SubqueryAlias {
        /// What is named.
        input: Relation,
        /// How.
        alias: TableAlias,
    },
    /// `WITH [RECURSIVE] name AS (…), … query`
    With(Box<With>),
    /// `WINDOW name AS (…)`: names for the windows of the relation below.
    WithWindows {
        /// Where they may be used.
        input: Relation,
        /// (name, window)
        windows: Vec<(String, WindowSpec)>,
    },
    /// `withColumns`, pipe `|> SET` (only present columns) and `|> EXTEND` (always new ones)
    WithColumns {
        /// Of what.
        input: Relation,
        /// Aliased expressions; one that is there is replaced.
        aliases: Vec<Expression>,
        /// Which are allowed.
        mode: WithColumnsMode,
    },
    /// `withColumnsRenamed`, `|> RENAME`
    WithColumnsRenamed {
        /// Of what.
        input: Relation,
        /// (name, new name)
        renames: Vec<(String, String)>,
    },
    /// `withMetadata`
    WithMetadata {
        /// Of what.
        input: Relation,
        /// Which column.
        column: String,
        /// Its remarks.
        metadata: BTreeMap<String, String>,
    },
    /// `toDF(names)`
    ToDf {
        /// Of what.
        input: Relation,
        /// All names.
        column_names: Vec<String>,
    },
    /// `drop`, `|> DROP`
    Drop {
        /// Of what.
        input: Relation,
        /// Columns, as expressions; unknown ones are left out silently unless `must_exist`.
        columns: Vec<Expression>,
        /// A column that is not there is an error.
        must_exist: bool,
    },
    /// A step of pipe syntax: inside it `*` and names mean the rows before the pipe, and AGGREGATE has keys in front.
    PipeStep {
        /// The step, whose innermost input is the rows before it.
        input: Relation,
        /// The word after `|>`.
        operator: String,
    },
    /// Missing values: `na.fill`, `na.drop`, `na.replace`
    NaFunction(Box<NaFunction>),
    /// `stat.*`, `describe`, `summary`: computed rows over a relation
    StatFunction(Box<StatFunction>),
    /// `withWatermark`
    WithWatermark {
        /// Of what.
        input: Relation,
        /// The event time.
        event_time: String,
        /// How much later than the latest a row may come: an interval as text.
        delay_threshold: String,
    },
    /// `flatMapGroupsWithState`: a function that the session keeps, over groups.
    GroupState {
        /// Of what.
        input: Relation,
        /// The keys.
        grouping_expressions: Vec<Expression>,
        /// The session's number for the function.
        handle: u64,
    },
    /// Rows that a stream set aside: late or malformed ones.
    SideOutput {
        /// Of what.
        input: Relation,
        /// `late`, `malformed`
        port: String,
    },
    /// A function over batches that the session keeps: `mapInArrow` and its like.
    MapBatches {
        /// Of what.
        input: Relation,
        /// The session's number for the function.
        handle: u64,
    },
    /// A statement used as a relation: `spark.sql("SHOW TABLES")`.
    CommandOutput(Box<super::Command>),
}

/// A table, view or CTE by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedTable {
    /// The name, in parts, or what IDENTIFIER() was given.
    pub name: TableName,
    /// `VERSION AS OF`, `TIMESTAMP AS OF`, `@v1`
    pub temporal: Option<Temporal>,
    /// `WITH (options)` and options of a reader.
    pub options: BTreeMap<String, String>,
    /// `STREAM name`
    pub is_streaming: bool,
}

/// A name in a statement that may be computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum TableName {
    /// `a.b.c`
    Parts(Vec<String>),
    /// `IDENTIFIER(expr)`: constant text.
    Identifier(Box<Expression>),
}

/// A moment of a table's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Temporal {
    /// `VERSION AS OF 3`
    Version(String),
    /// `TIMESTAMP AS OF '2020-01-01'`
    Timestamp(Expression),
}

/// How grouping expressions are combined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum GroupType {
    /// `GROUP BY a, b`; an element may be a call of `rollup`, `cube` or `grouping_sets` (each argument a `struct` call)
    GroupBy,
    /// `GROUP BY ALL`: every column of the list that holds no aggregate
    All,
    /// `GROUP BY a, b WITH ROLLUP`
    Rollup,
    /// `GROUP BY a, b WITH CUBE`
    Cube,
    /// `GROUP BY a, b GROUPING SETS ((a), (b))`
    GroupingSets(Vec<Vec<Expression>>),
}

/// `AS name (columns)`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableAlias {
    /// The relation's name: one part from SQL.
    pub name: String,
    /// New names of all its columns, or none.
    pub columns: Vec<String>,
}

/// A join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// The first.
    pub left: Relation,
    /// The second.
    pub right: Relation,
    /// Which rows.
    pub join_type: JoinType,
    /// How rows are matched.
    pub criteria: JoinCriteria,
    /// The right side may name columns of the left.
    pub is_lateral: bool,
}

/// Which rows a join gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JoinType {
    /// Matches.
    Inner,
    /// All pairs.
    Cross,
    /// Matches, and left rows without one.
    LeftOuter,
    /// Matches, and right rows without one.
    RightOuter,
    /// Matches, and rows without one.
    FullOuter,
    /// Left rows that have a match.
    LeftSemi,
    /// Left rows that have none.
    LeftAnti,
}

/// How a join matches rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum JoinCriteria {
    /// Not at all.
    None,
    /// `ON condition`
    On(Expression),
    /// `USING (a, b)`
    Using(Vec<String>),
    /// `NATURAL`
    Natural,
}

/// What a set operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SetOperation {
    /// Rows of both.
    Union,
    /// Rows that are in both.
    Intersect,
    /// Rows of the first that are not in the second.
    Except,
}

/// How much a sample holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SampleMethod {
    /// A share of the rows: `lower_bound ≤ x < upper_bound` of a random number.
    Fraction {
        /// From.
        lower_bound: f64,
        /// To.
        upper_bound: f64,
    },
    /// `df.randomSplit`: a part of all rows, dealt out so that the parts of one seed share no row.
    Part {
        /// From.
        lower_bound: f64,
        /// To.
        upper_bound: f64,
    },
    /// `n ROWS`
    Rows(Expression),
    /// `BUCKET x OUT OF y`
    Bucket {
        /// Which, from 1.
        numerator: i64,
        /// Of how many.
        denominator: i64,
    },
}

/// `WITH ctes query`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct With {
    /// The named queries, in order; each may use those before it.
    pub ctes: Vec<Cte>,
    /// A query may use itself.
    pub recursive: bool,
    /// The query that uses them.
    pub input: Relation,
}

/// A named query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cte {
    /// Its name and perhaps its columns'.
    pub alias: TableAlias,
    /// The query.
    pub query: Relation,
    /// `MAX RECURSION LEVEL n`
    pub max_level: Option<i64>,
    /// Where the name stands.
    pub span: Option<Span>,
}

/// Which columns `WithColumns` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WithColumnsMode {
    /// Replaces those that are there, adds the others.
    Upsert,
    /// Only ones that are there.
    Set,
    /// Always adds.
    Extend,
}

/// Columns into rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unpivot {
    /// Of what.
    pub input: Relation,
    /// The columns that stay (programs); SQL keeps all that are not named.
    pub ids: Option<Vec<Expression>>,
    /// Groups of columns, each with an alias perhaps; one column per value column. `None` takes all that are not ids.
    pub values: Option<Vec<UnpivotGroup>>,
    /// The new column that says which.
    pub variable_column: String,
    /// The new columns that hold the values.
    pub value_columns: Vec<String>,
    /// Whether rows of nulls are kept.
    pub include_nulls: bool,
    /// SQL's name for the result.
    pub alias: Option<TableAlias>,
}

/// Columns that become one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnpivotGroup {
    /// One column per value column.
    pub columns: Vec<Expression>,
    /// What the variable column says.
    pub alias: Option<String>,
}

/// What is done about missing values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NaFunction {
    /// Of what.
    pub input: Relation,
    /// In which columns; all if there are none.
    pub columns: Vec<String>,
    /// What.
    pub action: NaAction,
}

/// What is done about missing values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum NaAction {
    /// One value for all columns of its kind, or one per column.
    Fill(Vec<super::Literal>),
    /// Rows with fewer than so many values go; `None` for any missing one.
    Drop {
        /// How many values a row needs.
        min_non_nulls: Option<i32>,
    },
    /// (old, new)
    Replace(Vec<(super::Literal, super::Literal)>),
}

/// Statistics over a relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatFunction {
    /// Of what.
    pub input: Relation,
    /// Which.
    pub action: StatAction,
}

/// Which statistics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StatAction {
    /// `summary(statistics)`
    Summary(Vec<String>),
    /// `describe(columns)`
    Describe(Vec<String>),
    /// `stat.crosstab`
    Crosstab(String, String),
    /// `stat.cov`
    Cov(String, String),
    /// `stat.corr`
    Corr(String, String),
    /// `stat.approxQuantile`
    ApproxQuantile(Vec<String>, Vec<f64>, f64),
    /// `stat.freqItems`
    FreqItems(Vec<String>, f64),
    /// `stat.sampleBy`
    SampleBy(Expression, Vec<(super::Literal, f64)>, i64),
}

impl From<RelationKind> for Relation {
    fn from(kind: RelationKind) -> Self {
        Self::new(kind, None)
    }
}

impl Relation {
    /// A relation, and where it was said if it was said in a text.
    pub fn new(kind: impl Into<Arc<RelationKind>>, span: Option<Span>) -> Self {
        Self { kind: kind.into(), span, plan_id: None }
    }

    /// The same relation, said at `span`.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// The same relation as the DataFrame of that id.
    #[must_use]
    pub fn with_plan_id(mut self, id: PlanId) -> Self {
        self.plan_id = Some(id);
        self
    }

    /// The table of that name.
    pub fn table(name: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let name = TableName::Parts(name.into_iter().map(Into::into).collect());
        RelationKind::NamedTable(NamedTable { name, temporal: None, options: BTreeMap::new(), is_streaming: false }).into()
    }
}
