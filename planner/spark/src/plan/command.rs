//! Statements that change or show something, as they were said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Expression, ParameterName, Relation, Span, TableName};
use crate::types::SparkType;

/// A whole statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant)] // There is one per statement.
pub enum Statement {
    /// A query.
    Query(Relation),
    /// Anything else.
    Command(Command),
}

/// A column in CREATE TABLE and ALTER TABLE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDefinition {
    /// Its name; several parts for a nested one.
    pub name: Vec<String>,
    /// Its type.
    pub data_type: SparkType,
    /// Whether nulls are allowed.
    pub nullable: bool,
    /// `COMMENT 'text'`
    pub comment: Option<String>,
    /// `DEFAULT expr`: the expression and its text
    pub default: Option<(Expression, String)>,
    /// `GENERATED ALWAYS AS (expr)`: the expression's text
    pub generated: Option<String>,
    /// `FIRST`, `AFTER name`
    pub position: Option<ColumnPosition>,
}

/// Where a column goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnPosition {
    /// To the front.
    First,
    /// Behind another.
    After(String),
}

/// What CREATE TABLE and REPLACE TABLE say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableSpec {
    /// The columns; none when the query or the files give them.
    pub columns: Vec<ColumnDefinition>,
    /// `USING provider`
    pub provider: Option<String>,
    /// `OPTIONS (…)`
    pub options: BTreeMap<String, String>,
    /// `PARTITIONED BY (…)`: column names, or transforms as expressions
    pub partitioned_by: Vec<Expression>,
    /// `CLUSTERED BY (…) INTO n BUCKETS`: columns, sort columns, n
    pub bucketing: Option<(Vec<String>, Vec<String>, i32)>,
    /// `CLUSTER BY (…)`
    pub cluster_by: Option<Vec<Vec<String>>>,
    /// `LOCATION 'path'`
    pub location: Option<String>,
    /// `COMMENT 'text'`
    pub comment: Option<String>,
    /// `TBLPROPERTIES (…)`
    pub properties: BTreeMap<String, String>,
    /// CHECK, PRIMARY KEY and FOREIGN KEY constraints as text.
    pub constraints: Vec<String>,
    /// `DEFAULT COLLATION name`
    pub collation: Option<String>,
    /// Hive's clauses (`STORED AS`, `ROW FORMAT`), each as it was said.
    pub hive: Vec<String>,
}

/// What becomes of an action on a MERGE's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MergeClause {
    /// `AND condition`
    pub condition: Option<Expression>,
    /// What is done.
    pub action: MergeAction,
}

/// What MERGE does with a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MergeAction {
    /// `DELETE`
    Delete,
    /// `UPDATE SET *`
    UpdateStar,
    /// `UPDATE SET a = b`
    Update(Vec<(Vec<String>, Expression)>),
    /// `INSERT *`
    InsertStar,
    /// `INSERT (columns) VALUES (values)`
    Insert(Vec<Vec<String>>, Vec<Expression>),
}

/// What an INSERT does with what is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InsertMode {
    /// `INSERT INTO`
    Append,
    /// `INSERT OVERWRITE`
    Overwrite,
    /// `INSERT INTO … REPLACE WHERE condition`
    ReplaceWhere(Expression),
    /// `INSERT INTO … alias REPLACE ON condition`
    ReplaceOn(Expression, Option<String>),
    /// `INSERT INTO … REPLACE USING (columns)`
    ReplaceUsing(Vec<String>),
}

/// What EXPLAIN shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExplainMode {
    /// The physical plan.
    Simple,
    /// All plans.
    Extended,
    /// Generated code.
    Codegen,
    /// With statistics.
    Cost,
    /// An outline and details.
    Formatted,
    /// The query is run: how its stages went. Spark's SQL has no such mode; its spelling is DuckDB's and PostgreSQL's.
    Analyze,
}

impl ExplainMode {
    /// All modes.
    pub const ALL: [Self; 6] = [Self::Simple, Self::Extended, Self::Codegen, Self::Cost, Self::Formatted, Self::Analyze];

    /// How a program names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Extended => "extended",
            Self::Codegen => "codegen",
            Self::Cost => "cost",
            Self::Formatted => "formatted",
            Self::Analyze => "analyze",
        }
    }
}

/// Which object a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectKind {
    /// A table.
    Table,
    /// A view.
    View,
}

/// A change to a table or view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AlterTable {
    /// `ADD COLUMNS (…)`
    AddColumns(Vec<ColumnDefinition>),
    /// `REPLACE COLUMNS (…)`
    ReplaceColumns(Vec<ColumnDefinition>),
    /// `RENAME COLUMN a TO b`
    RenameColumn(Vec<String>, String),
    /// `DROP COLUMNS [IF EXISTS] (…)`
    DropColumns(Vec<Vec<String>>, bool),
    /// `ALTER COLUMN …`, `CHANGE COLUMN …`
    AlterColumn(Vec<AlterColumn>),
    /// `RENAME TO name`
    Rename(Vec<String>),
    /// `SET TBLPROPERTIES (…)`
    SetProperties(BTreeMap<String, String>),
    /// `UNSET TBLPROPERTIES [IF EXISTS] (…)`
    UnsetProperties(Vec<String>, bool),
    /// `SET LOCATION 'path'`, of a partition perhaps
    SetLocation(PartitionSpec, String),
    /// `ADD [IF NOT EXISTS] PARTITION (…) [LOCATION 'path'] …`
    AddPartitions(Vec<(PartitionSpec, Option<String>)>, bool),
    /// `DROP [IF EXISTS] PARTITION (…), …`
    DropPartitions(Vec<PartitionSpec>, bool),
    /// `PARTITION (…) RENAME TO PARTITION (…)`
    RenamePartition(PartitionSpec, PartitionSpec),
    /// `RECOVER PARTITIONS`
    RecoverPartitions,
    /// `ADD CONSTRAINT name CHECK (…)`: the name and the text
    AddConstraint(String, String),
    /// `DROP CONSTRAINT [IF EXISTS] name`
    DropConstraint(String, bool),
    /// `CLUSTER BY (…)`, `CLUSTER BY NONE`
    ClusterBy(Vec<Vec<String>>),
    /// Anything else that Spark's grammar takes, by name.
    Other(String),
}

/// A change to one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlterColumn {
    /// Which.
    pub column: Vec<String>,
    /// `TYPE type`
    pub data_type: Option<SparkType>,
    /// `CHANGE COLUMN a b type`
    pub new_name: Option<String>,
    /// `COMMENT 'text'`
    pub comment: Option<String>,
    /// `SET NOT NULL` (false), `DROP NOT NULL` (true)
    pub nullable: Option<bool>,
    /// `FIRST`, `AFTER name`
    pub position: Option<ColumnPosition>,
    /// `SET DEFAULT expr`: its text; empty for `DROP DEFAULT`
    pub default: Option<String>,
}

/// `PARTITION (a = 1, b)`: names and constants.
pub type PartitionSpec = Vec<(String, Option<Expression>)>;

/// A statement that is no query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Command {
    /// `CREATE TABLE`, `REPLACE TABLE`, `CREATE OR REPLACE TABLE`, with AS a query perhaps
    CreateTable {
        /// Which.
        name: TableName,
        /// What.
        spec: Box<TableSpec>,
        /// `AS query`
        query: Option<Relation>,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// `OR REPLACE`
        or_replace: bool,
        /// `REPLACE TABLE`: it must be there
        replace_only: bool,
        /// `EXTERNAL`
        external: bool,
        /// `TEMPORARY`
        temporary: bool,
    },
    /// `CREATE TABLE a LIKE b`
    CreateTableLike {
        /// The new one.
        name: TableName,
        /// The one that is there.
        source: TableName,
        /// What else is said.
        spec: Box<TableSpec>,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
    },
    /// `CREATE [OR REPLACE] [GLOBAL] [TEMPORARY] VIEW name (columns) AS query`
    CreateView {
        /// Which.
        name: TableName,
        /// (name, comment)
        columns: Vec<(String, Option<String>)>,
        /// The query.
        query: Relation,
        /// The query as text.
        query_text: String,
        /// `TEMPORARY`
        temporary: bool,
        /// `GLOBAL TEMPORARY`
        global: bool,
        /// `OR REPLACE`
        or_replace: bool,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// `COMMENT 'text'`
        comment: Option<String>,
        /// `TBLPROPERTIES (…)`
        properties: BTreeMap<String, String>,
        /// `WITH SCHEMA …`, as it was said
        schema_binding: Option<String>,
    },
    /// `CREATE TEMPORARY VIEW name USING provider OPTIONS (…)`
    CreateTempViewUsing {
        /// Which.
        name: TableName,
        /// Columns and more.
        spec: Box<TableSpec>,
        /// `OR REPLACE`
        or_replace: bool,
        /// `GLOBAL`
        global: bool,
    },
    /// `ALTER VIEW name AS query`
    AlterViewAs {
        /// Which.
        name: TableName,
        /// The query.
        query: Relation,
        /// The query as text.
        query_text: String,
    },
    /// `ALTER TABLE`, `ALTER VIEW`
    AlterTable {
        /// Which.
        name: TableName,
        /// Whether it was said to be a view.
        kind: ObjectKind,
        /// What changes.
        change: AlterTable,
    },
    /// `DROP TABLE`, `DROP VIEW`
    DropTable {
        /// Which.
        name: TableName,
        /// A table or a view.
        kind: ObjectKind,
        /// `IF EXISTS`
        if_exists: bool,
        /// `PURGE`
        purge: bool,
    },
    /// `TRUNCATE TABLE`
    TruncateTable {
        /// Which.
        name: TableName,
        /// Of one partition.
        partition: Option<PartitionSpec>,
    },
    /// `CREATE DATABASE`
    CreateNamespace {
        /// Which.
        name: TableName,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// `COMMENT 'text'`
        comment: Option<String>,
        /// `LOCATION 'path'`
        location: Option<String>,
        /// `WITH DBPROPERTIES (…)`
        properties: BTreeMap<String, String>,
    },
    /// `ALTER DATABASE … SET DBPROPERTIES / LOCATION`
    AlterNamespace {
        /// Which.
        name: TableName,
        /// New properties.
        properties: BTreeMap<String, String>,
        /// A new location.
        location: Option<String>,
    },
    /// `ALTER DATABASE … UNSET DBPROPERTIES (keys)`
    UnsetNamespaceProperties {
        /// Which.
        name: TableName,
        /// The properties' names.
        keys: Vec<String>,
    },
    /// `DROP DATABASE`
    DropNamespace {
        /// Which.
        name: TableName,
        /// `IF EXISTS`
        if_exists: bool,
        /// `CASCADE`
        cascade: bool,
    },
    /// `USE name`
    Use {
        /// Which.
        name: TableName,
    },
    /// `SET CATALOG name`
    SetCatalog {
        /// Which.
        name: String,
    },
    /// `INSERT INTO / OVERWRITE`
    Insert {
        /// Into which table.
        table: TableName,
        /// The columns that are given, in order.
        columns: Vec<Vec<String>>,
        /// `BY NAME`
        by_name: bool,
        /// `PARTITION (…)`
        partition: PartitionSpec,
        /// What happens to what is there.
        mode: InsertMode,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// `WITH SCHEMA EVOLUTION`
        schema_evolution: bool,
        /// `WITH (options)`
        options: BTreeMap<String, String>,
        /// The rows.
        query: Relation,
    },
    /// `FROM … INSERT … INSERT …`: several at once
    MultiInsert(Vec<Command>),
    /// `INSERT OVERWRITE DIRECTORY`
    InsertDirectory {
        /// `LOCAL`
        local: bool,
        /// Where.
        path: Option<String>,
        /// `USING provider`
        provider: Option<String>,
        /// `OPTIONS (…)`
        options: BTreeMap<String, String>,
        /// The rows.
        query: Relation,
    },
    /// `UPDATE table SET … WHERE …`
    Update {
        /// The table, with its alias.
        table: Relation,
        /// (column, value)
        assignments: Vec<(Vec<String>, Expression)>,
        /// `WHERE`
        condition: Option<Expression>,
    },
    /// `DELETE FROM table WHERE …`
    Delete {
        /// The table, with its alias.
        table: Relation,
        /// `WHERE`
        condition: Option<Expression>,
    },
    /// `MERGE INTO`
    Merge {
        /// The table, with its alias.
        target: Relation,
        /// The changes, with their alias.
        source: Relation,
        /// `ON`
        condition: Expression,
        /// `WHEN MATCHED`
        matched: Vec<MergeClause>,
        /// `WHEN NOT MATCHED [BY TARGET]`
        not_matched: Vec<MergeClause>,
        /// `WHEN NOT MATCHED BY SOURCE`
        not_matched_by_source: Vec<MergeClause>,
        /// `WITH SCHEMA EVOLUTION`
        schema_evolution: bool,
    },
    /// `EXPLAIN statement`
    Explain {
        /// What is shown.
        mode: ExplainMode,
        /// Of which statement.
        statement: Box<Statement>,
    },
    /// `DESCRIBE QUERY query`
    DescribeQuery {
        /// Which.
        query: Relation,
    },
    /// `DESCRIBE TABLE [EXTENDED] name [PARTITION (…)] [column]`
    DescribeTable {
        /// Which.
        name: TableName,
        /// `EXTENDED`, `FORMATTED`
        extended: bool,
        /// One partition.
        partition: PartitionSpec,
        /// One column.
        column: Vec<String>,
        /// `AS JSON`
        as_json: bool,
    },
    /// `DESCRIBE DATABASE`
    DescribeNamespace {
        /// Which.
        name: TableName,
        /// `EXTENDED`
        extended: bool,
    },
    /// `DESCRIBE FUNCTION`
    DescribeFunction {
        /// Which.
        name: Vec<String>,
        /// `EXTENDED`
        extended: bool,
    },
    /// `DESCRIBE HISTORY`, `DESCRIBE DETAIL` of Delta
    DescribeDelta {
        /// Which table.
        name: TableName,
        /// History or detail.
        history: bool,
        /// `LIMIT n`
        limit: Option<i64>,
    },
    /// `SHOW TABLES`
    ShowTables {
        /// `FROM database`
        namespace: Option<TableName>,
        /// `LIKE 'pattern'`
        pattern: Option<String>,
        /// `TABLE EXTENDED`
        extended: bool,
        /// `PARTITION (…)`
        partition: PartitionSpec,
    },
    /// `SHOW VIEWS`
    ShowViews {
        /// `FROM database`
        namespace: Option<TableName>,
        /// `LIKE 'pattern'`
        pattern: Option<String>,
    },
    /// `SHOW DATABASES`
    ShowNamespaces {
        /// `FROM catalog`
        from: Option<Vec<String>>,
        /// `LIKE 'pattern'`
        pattern: Option<String>,
    },
    /// `SHOW COLUMNS`
    ShowColumns {
        /// Of which table.
        table: TableName,
        /// `FROM database`
        namespace: Option<Vec<String>>,
    },
    /// `SHOW TBLPROPERTIES`
    ShowTableProperties {
        /// Of which table.
        table: TableName,
        /// One of them.
        key: Option<String>,
    },
    /// `SHOW PARTITIONS`
    ShowPartitions {
        /// Of which table.
        table: TableName,
        /// Some of them.
        partition: PartitionSpec,
    },
    /// `SHOW CREATE TABLE`
    ShowCreateTable {
        /// Of which table.
        table: TableName,
        /// `AS SERDE`
        as_serde: bool,
    },
    /// `SHOW [USER|SYSTEM|ALL] FUNCTIONS`
    ShowFunctions {
        /// `USER`, `SYSTEM`, `ALL`
        scope: Option<String>,
        /// `FROM database`
        namespace: Option<TableName>,
        /// `LIKE 'pattern'`
        pattern: Option<String>,
    },
    /// `SHOW CATALOGS`
    ShowCatalogs {
        /// `LIKE 'pattern'`
        pattern: Option<String>,
    },
    /// `SHOW CURRENT DATABASE`
    ShowCurrentNamespace,
    /// `COMMENT ON TABLE / DATABASE`
    CommentOn {
        /// Of what.
        name: TableName,
        /// A database, else a table.
        namespace: bool,
        /// The text, or none.
        comment: Option<String>,
    },
    /// `ANALYZE TABLE`
    AnalyzeTable {
        /// Which; all of a database without.
        name: Option<TableName>,
        /// `PARTITION (…)`
        partition: PartitionSpec,
        /// `FOR COLUMNS`
        columns: Vec<String>,
        /// `FOR ALL COLUMNS`
        all_columns: bool,
        /// `NOSCAN`
        noscan: bool,
    },
    /// `CACHE TABLE`
    CacheTable {
        /// Which.
        name: TableName,
        /// `LAZY`
        lazy: bool,
        /// `OPTIONS (…)`
        options: BTreeMap<String, String>,
        /// `AS query`
        query: Option<Relation>,
    },
    /// `UNCACHE TABLE`
    UncacheTable {
        /// Which.
        name: TableName,
        /// `IF EXISTS`
        if_exists: bool,
    },
    /// `CLEAR CACHE`
    ClearCache,
    /// `REFRESH TABLE`, `REFRESH 'path'`, `REFRESH FUNCTION`
    Refresh {
        /// `TABLE`, `FUNCTION` or empty for a path
        what: String,
        /// Which.
        name: TableName,
    },
    /// `MSCK REPAIR TABLE`
    RepairTable {
        /// Which.
        name: TableName,
    },
    /// `OPTIMIZE`
    Optimize {
        /// Which.
        name: TableName,
        /// `WHERE`
        condition: Option<Expression>,
        /// `ZORDER BY`
        zorder: Vec<Vec<String>>,
    },
    /// `VACUUM`
    Vacuum {
        /// Which.
        name: TableName,
        /// `RETAIN n HOURS`
        retain_hours: Option<f64>,
        /// `DRY RUN`
        dry_run: bool,
    },
    /// `RESTORE TABLE name TO VERSION AS OF …`
    Restore {
        /// Which.
        name: TableName,
        /// To when.
        to: super::Temporal,
    },
    /// `CREATE [TEMPORARY] FUNCTION name(params) RETURNS type RETURN body`
    CreateSqlFunction(Box<SqlFunction>),
    /// `CREATE FUNCTION name AS 'class'`
    CreateFunction {
        /// Which.
        name: TableName,
        /// The class.
        class_name: String,
        /// `TEMPORARY`
        temporary: bool,
        /// `OR REPLACE`
        or_replace: bool,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
    },
    /// `DROP FUNCTION`
    DropFunction {
        /// Which.
        name: TableName,
        /// `TEMPORARY`
        temporary: bool,
        /// `IF EXISTS`
        if_exists: bool,
    },
    /// `SET key = value`, `SET key`, `SET`, `SET -v`
    Set {
        /// The setting.
        key: Option<String>,
        /// Its new value.
        value: Option<String>,
        /// `-v`
        verbose: bool,
    },
    /// `RESET key`, `RESET`
    Reset {
        /// The setting.
        key: Option<String>,
    },
    /// `SET TIME ZONE`
    SetTimeZone {
        /// A zone's name, an interval as `+HH:MM`, or none for LOCAL.
        zone: Option<String>,
    },
    /// `DECLARE [OR REPLACE] VARIABLE name type DEFAULT expr`
    DeclareVariable {
        /// Which; several at once.
        names: Vec<TableName>,
        /// The type; else the default's.
        data_type: Option<SparkType>,
        /// Its first value and the value's text.
        default: Option<(Expression, String)>,
        /// `OR REPLACE`
        or_replace: bool,
    },
    /// `SET VAR a = expr`, `SET VAR (a, b) = (query)`
    SetVariable {
        /// Which.
        names: Vec<Vec<String>>,
        /// One value per name.
        values: Vec<Expression>,
        /// Or a query of one row.
        query: Option<Relation>,
    },
    /// `DROP TEMPORARY VARIABLE`
    DropVariable {
        /// Which.
        name: TableName,
        /// `IF EXISTS`
        if_exists: bool,
    },
    /// `EXECUTE IMMEDIATE text INTO variables USING values`
    ExecuteImmediate {
        /// Constant text or a variable.
        query: Expression,
        /// `INTO`
        into: Vec<Vec<String>>,
        /// `USING`: values, named by aliases perhaps
        using: Vec<Expression>,
    },
    /// `ADD JAR`, `LIST FILES`: the word, and the rest of the text
    ManageResource {
        /// `ADD` or `LIST`
        operation: String,
        /// The rest.
        rest: String,
    },
    /// `LOAD DATA`
    LoadData {
        /// From where.
        path: String,
        /// Into which table.
        table: TableName,
        /// `OVERWRITE`
        overwrite: bool,
    },
    /// `BEGIN … END`, whole
    Script {
        /// The text.
        text: String,
    },
    /// Something that Spark's grammar takes and Spark itself or we do not do: its name.
    Unsupported {
        /// What it is, as in `CREATE INDEX`
        what: String,
        /// Where.
        span: Option<Span>,
    },
}

/// A function written in SQL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SqlFunction {
    /// Which.
    pub name: TableName,
    /// The parameters.
    pub parameters: Vec<FunctionParameter>,
    /// What it gives.
    pub returns: FunctionReturns,
    /// What it computes.
    pub body: FunctionBody,
    /// The body as text.
    pub body_text: String,
    /// `TEMPORARY`
    pub temporary: bool,
    /// `OR REPLACE`
    pub or_replace: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `COMMENT 'text'`
    pub comment: Option<String>,
    /// `DETERMINISTIC` (true), `NOT DETERMINISTIC` (false)
    pub deterministic: Option<bool>,
    /// `CONTAINS SQL`, `READS SQL DATA`, `LANGUAGE SQL`, as they were said
    pub characteristics: Vec<String>,
}

/// A parameter of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionParameter {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: SparkType,
    /// `DEFAULT expr`
    pub default: Option<Expression>,
    /// `COMMENT 'text'`
    pub comment: Option<String>,
}

/// What a function gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FunctionReturns {
    /// What its body gives.
    Inferred,
    /// A value.
    Scalar(SparkType),
    /// Rows; columns from the body if there are none.
    Table(Vec<(String, SparkType)>),
}

/// What a function computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FunctionBody {
    /// `RETURN expr`
    Expression(Expression),
    /// `RETURN query`
    Query(Relation),
}

/// Values for the parameters of a text.
pub type Arguments = Vec<(ParameterName, Expression)>;
