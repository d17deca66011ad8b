//! Statements that are no queries, as trees or as the conditions that refuse them.

use super::*;

#[test]
fn creating() {
    check(
        &[
            (
                "create table a.b (x int not null comment 'c', y decimal(10,2) default 1 + 1, z string generated always as (x + 1)) using parquet partitioned by (y, years(z), bucket(3, x)) comment 'k' tblproperties ('a' = 'b', c.d = 1) options (header true, 'path' '/q')",
                "CreateTable{name: a.b, spec: {columns: [{comment: c, data_type: Integer, name: [x]}, {data_type: {Decimal: [10, 2]}, default: [UnresolvedFunction{arguments: [1, 1], is_operator: true, name: [+]}, 1 + 1], name: [y], nullable: true}, {data_type: String, generated: x + 1, name: [z], nullable: true}], comment: k, location: /q, options: {header: true}, partitioned_by: [{name: [y]}, UnresolvedFunction{arguments: [{name: [z]}], name: [years]}, UnresolvedFunction{arguments: [3, {name: [x]}], name: [bucket]}], properties: {a: b, c.d: 1}, provider: parquet}}",
            ),
            (
                "create table t (a int, primary key (a), constraint c check (a > 0) not enforced)",
                "CreateTable{name: t, spec: {columns: [{data_type: Integer, name: [a]}], constraints: [PRIMARY KEY (a), CONSTRAINT c check (a > 0) not enforced]}}",
            ),
            (
                "create table t using delta as select 1",
                "CreateTable{name: t, query: Project{expressions: [1], input: OneRow}, spec: {provider: delta}}",
            ),
            (
                "create or replace table t as select 1",
                "CreateTable{name: t, or_replace: true, query: Project{expressions: [1], input: OneRow}, spec: {}}",
            ),
            (
                "replace table t (a int)",
                "CreateTable{name: t, replace_only: true, spec: {columns: [{data_type: Integer, name: [a], nullable: true}]}}",
            ),
            (
                "create table if not exists t like u using csv",
                "CreateTableLike{if_not_exists: true, name: t, source: u, spec: {provider: csv}}",
            ),
            (
                "create table t (a int) partitioned by (b string, c int)",
                "CreateTable{name: t, spec: {columns: [{data_type: Integer, name: [a], nullable: true}, {data_type: String, name: [b], nullable: true}, {data_type: Integer, name: [c], nullable: true}], partitioned_by: [{name: [b]}, {name: [c]}]}}",
            ),
            (
                "create table t (a int) clustered by (a) sorted by (b) into 4 buckets",
                "CreateTable{name: t, spec: {bucketing: [[a], [b], 4], columns: [{data_type: Integer, name: [a], nullable: true}]}}",
            ),
            (
                "create table t (a int) cluster by (a, b.c)",
                "CreateTable{name: t, spec: {cluster_by: [[a], [b, c]], columns: [{data_type: Integer, name: [a], nullable: true}]}}",
            ),
            (
                "create table t stored as parquet row format delimited fields terminated by ','",
                "CreateTable{name: t, spec: {hive: [stored as parquet, row format delimited fields terminated by ',']}}",
            ),
            ("create table t using parquet stored as orc", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("create temporary table t using csv", "CreateTempViewUsing{name: t, spec: {provider: csv}}"),
            ("create temporary table t as select 1", "!_LEGACY_ERROR_TEMP_0035"),
            ("create table t (a int) comment 'a' comment 'b'", "!DUPLICATE_CLAUSES"),
            ("create table t (a int not null not null)", "!CREATE_TABLE_COLUMN_DESCRIPTOR_DUPLICATE"),
            ("create table t (a int primary key, b int primary key)", "!MULTIPLE_PRIMARY_KEYS"),
            ("create table t (a int) as select 1", "!_LEGACY_ERROR_TEMP_0035"),
            ("create table t tblproperties ('location' = 'x')", "!UNSUPPORTED_FEATURE.SET_TABLE_PROPERTY"),
            ("create table t partitioned by (a, b int)", "!_LEGACY_ERROR_TEMP_0035"),
            (
                "create view v (a comment 'x', b) comment 'c' tblproperties (a 'b') with schema evolution as select 1",
                "CreateView{columns: [[a, x], [b, null]], comment: c, name: v, properties: {a: b}, query: Project{expressions: [1], input: OneRow}, schema_binding: EVOLUTION}",
            ),
            (
                "create or replace global temporary view v as select 1",
                "CreateView{global: true, name: v, or_replace: true, query: Project{expressions: [1], input: OneRow}, temporary: true}",
            ),
            ("create temporary view db.v as select 1", "!INVALID_TEMP_OBJ_QUALIFIER"),
            ("create or replace view if not exists v as select 1", "!CREATE_VIEW_WITH_IF_NOT_EXISTS_AND_REPLACE"),
            (
                "create temporary view v (a int) using csv options (path '/x')",
                "CreateTempViewUsing{name: v, spec: {columns: [{data_type: Integer, name: [a], nullable: true}], options: {path: /x}, provider: csv}}",
            ),
            ("create function f as 'a.B' using jar 'x.jar'", "CreateFunction{class_name: a.B, name: f}"),
            (
                "create or replace temporary function f(a int default 1, b string comment 'x') returns int language sql deterministic comment 'c' return a + 1",
                "CreateSqlFunction{body: ExpressionUnresolvedFunction{arguments: [{name: [a]}, 1], is_operator: true, name: [+]}, characteristics: [language sql], comment: c, deterministic: true, name: f, or_replace: true, parameters: [{data_type: Integer, default: 1, name: a}, {comment: x, data_type: String, name: b}], returns: {Scalar: Integer}, temporary: true}",
            ),
            (
                "create function f() returns table (x int, y string) return select 1, 2",
                "CreateSqlFunction{body: Project{expressions: [1, 2], input: OneRow}, name: f, returns: {Table: [[x, Integer], [y, String]]}}",
            ),
            (
                "create function f(a int) return (select a)",
                "CreateSqlFunction{body: Project{expressions: [{name: [a]}], input: OneRow}, name: f, parameters: [{data_type: Integer, name: a}], returns: Inferred}",
            ),
            (
                "create database if not exists d comment 'c' location '/x' with dbproperties (a = 'b')",
                "CreateNamespace{comment: c, if_not_exists: true, location: /x, name: d, properties: {a: b}}",
            ),
            ("create schema d with properties (location = 'x')", "!UNSUPPORTED_FEATURE.SET_NAMESPACE_PROPERTY"),
            ("create index i on t (a)", "Unsupported{what: CREATE INDEX}"),
            ("create role r", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("create materialized view v as select 1", "Unsupported{what: CREATE MATERIALIZED VIEW}"),
        ],
        statement,
    );
}

#[test]
fn altering() {
    check(
        &[
            (
                "alter table t add columns (a int comment 'x' first, b.c string after d)",
                "AlterTable{change: {AddColumns: [{comment: x, data_type: Integer, name: [a], nullable: true, position: First}, {data_type: String, name: [b, c], nullable: true, position: {After: d}}]}, kind: Table, name: t}",
            ),
            (
                "alter table t add column a int default 1",
                "AlterTable{change: {AddColumns: [{data_type: Integer, default: [1, 1], name: [a], nullable: true}]}, kind: Table, name: t}",
            ),
            ("alter table t rename column a.b to c", "AlterTable{change: {RenameColumn: [[a, b], c]}, kind: Table, name: t}"),
            ("alter table t drop columns if exists (a, b)", "AlterTable{change: {DropColumns: [[[a], [b]], true]}, kind: Table, name: t}"),
            ("alter table t drop column a", "AlterTable{change: {DropColumns: [[[a]], false]}, kind: Table, name: t}"),
            ("alter table t rename to u.v", "AlterTable{change: {Rename: [u, v]}, kind: Table, name: t}"),
            ("alter table t set tblproperties (a = 'b')", "AlterTable{change: SetProperties{a: b}, kind: Table, name: t}"),
            ("alter table t set tblproperties (owner = 'b')", "!UNSUPPORTED_FEATURE.SET_TABLE_PROPERTY"),
            (
                "alter view v unset tblproperties if exists (a, b)",
                "AlterTable{change: {UnsetProperties: [[a, b], true]}, kind: View, name: v}",
            ),
            (
                "alter table t alter column a type bigint",
                "AlterTable{change: {AlterColumn: [{column: [a], data_type: Long}]}, kind: Table, name: t}",
            ),
            (
                "alter table t alter column a set not null, b comment 'x', c drop default",
                "AlterTable{change: {AlterColumn: [{column: [a]}, {column: [b], comment: x}, {column: [c], default: }]}, kind: Table, name: t}",
            ),
            (
                "alter table t alter column a set default 1 + 1",
                "AlterTable{change: {AlterColumn: [{column: [a], default: 1 + 1}]}, kind: Table, name: t}",
            ),
            (
                "alter table t change column a a int comment 'x' after b",
                "AlterTable{change: {AlterColumn: [{column: [a], comment: x, data_type: Integer, position: {After: b}}]}, kind: Table, name: t}",
            ),
            ("alter table t change column a b int", "!_LEGACY_ERROR_TEMP_0034"),
            ("alter table t alter column a", "!_LEGACY_ERROR_TEMP_0035"),
            (
                "alter table t replace columns (a int, b string)",
                "AlterTable{change: {ReplaceColumns: [{data_type: Integer, name: [a], nullable: true}, {data_type: String, name: [b], nullable: true}]}, kind: Table, name: t}",
            ),
            ("alter table t replace columns (a int not null)", "!_LEGACY_ERROR_TEMP_0034"),
            (
                "alter table t add if not exists partition (a = 1) location '/x' partition (a = 2)",
                "AlterTable{change: {AddPartitions: [[[[[a, 1]], /x], [[[a, 2]], null]], true]}, kind: Table, name: t}",
            ),
            (
                "alter table t drop if exists partition (a = 1), partition (a = 2) purge",
                "AlterTable{change: {DropPartitions: [[[[a, 1]], [[a, 2]]], true]}, kind: Table, name: t}",
            ),
            (
                "alter table t partition (a = 1) rename to partition (a = 2)",
                "AlterTable{change: {RenamePartition: [[[a, 1]], [[a, 2]]]}, kind: Table, name: t}",
            ),
            (
                "alter table t partition (a = 1) set location '/x'",
                "AlterTable{change: {SetLocation: [[[a, 1]], /x]}, kind: Table, name: t}",
            ),
            ("alter table t set location '/x'", "AlterTable{change: {SetLocation: [[], /x]}, kind: Table, name: t}"),
            ("alter table t recover partitions", "AlterTable{change: RecoverPartitions, kind: Table, name: t}"),
            ("alter table t cluster by (a, b)", "AlterTable{change: {ClusterBy: [[a], [b]]}, kind: Table, name: t}"),
            ("alter table t cluster by none", "AlterTable{change: {}, kind: Table, name: t}"),
            (
                "alter table t add constraint c check (a > 0) enforced",
                "AlterTable{change: {AddConstraint: [c, check (a > 0) enforced]}, kind: Table, name: t}",
            ),
            ("alter table t drop constraint if exists c cascade", "AlterTable{change: {DropConstraint: [c, true]}, kind: Table, name: t}"),
            ("alter table t set serde 'x'", "AlterTable{change: {Other: SET SERDE}, kind: Table, name: t}"),
            ("alter table t touch", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("alter table t not clustered", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("alter view v as select 1", "AlterViewAs{name: v, query: Project{expressions: [1], input: OneRow}}"),
            ("alter view v add partition (a = 1)", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("alter view v with schema type evolution", "AlterTable{change: {Other: WITH SCHEMA TYPE EVOLUTION}, kind: View, name: v}"),
            ("alter database d set dbproperties (a = 'b')", "AlterNamespace{name: d, properties: {a: b}}"),
            ("alter schema d set location '/x'", "AlterNamespace{location: /x, name: d}"),
            ("alter namespace d unset properties (a)", "UnsetNamespaceProperties{keys: [a], name: d}"),
        ],
        statement,
    );
}

#[test]
fn changing_rows() {
    check(
        &[
            ("truncate table t partition (a = 'x')", "TruncateTable{name: t, partition: [[a, x]]}"),
            ("truncate table t partition (a)", "!INVALID_SQL_SYNTAX.EMPTY_PARTITION_VALUE"),
            ("load data local inpath '/x' overwrite into table t", "LoadData{overwrite: true, path: /x, table: t}"),
            ("insert into t select 1", "Insert{mode: Append, query: Project{expressions: [1], input: OneRow}, table: t}"),
            ("insert into t values (1, default), (2, 3)", "Insert{mode: Append, query: Values{rows: [[1, Default], [2, 3]]}, table: t}"),
            (
                "insert into table t (a, b) values (1, 2)",
                "Insert{columns: [[a], [b]], mode: Append, query: Values{rows: [[1, 2]]}, table: t}",
            ),
            ("insert overwrite t partition (a = 1, b) if not exists select 1", "!_LEGACY_ERROR_TEMP_0035"),
            (
                "insert overwrite t partition (a = 1) if not exists select 1",
                "Insert{if_not_exists: true, mode: Overwrite, partition: [[a, 1]], query: Project{expressions: [1], input: OneRow}, table: t}",
            ),
            (
                "insert into t by name select 1 as a, default",
                "Insert{by_name: true, mode: Append, query: Project{expressions: [Alias{expr: 1, name: [a]}, Default], input: OneRow}, table: t}",
            ),
            (
                "insert with schema evolution into t with (a = 'b') (select 1)",
                "Insert{mode: Append, options: {a: b}, query: Project{expressions: [1], input: OneRow}, schema_evolution: true, table: t}",
            ),
            (
                "insert into t replace where a = 1 select 1",
                "Insert{mode: ReplaceWhereUnresolvedFunction{arguments: [{name: [a]}, 1], is_operator: true, name: [=]}, query: Project{expressions: [1], input: OneRow}, table: t}",
            ),
            (
                "insert into t as x replace on x.a = s.a (select 1 as a) as s",
                "Insert{mode: {ReplaceOn: [UnresolvedFunction{arguments: [{name: [x, a]}, {name: [s, a]}], is_operator: true, name: [=]}, x]}, query: SubqueryAlias{alias: {name: s}, input: Project{expressions: [Alias{expr: 1, name: [a]}], input: OneRow}}, table: t}",
            ),
            (
                "insert into t replace using (a, b) select 1",
                "Insert{mode: {ReplaceUsing: [a, b]}, query: Project{expressions: [1], input: OneRow}, table: t}",
            ),
            ("insert into t x replace where a select 1", "!INSERT_REPLACE_WHERE_TABLE_ALIAS_NOT_ALLOWED"),
            ("insert into t table u", "Insert{mode: Append, query: NamedTablenameu, table: t}"),
            (
                "insert into t from u select a",
                "Insert{mode: Append, query: Project{expressions: [{name: [a]}], input: NamedTablenameu}, table: t}",
            ),
            (
                "insert overwrite local directory '/x' using parquet options (a 1) select 1",
                "InsertDirectory{local: true, options: {a: 1}, path: /x, provider: parquet, query: Project{expressions: [1], input: OneRow}}",
            ),
            (
                "insert overwrite directory '/x' stored as orc select 1",
                "InsertDirectory{path: /x, query: Project{expressions: [1], input: OneRow}}",
            ),
            ("insert into t partition (a = default) select 1", "!REF_DEFAULT_VALUE_IS_NOT_ALLOWED_IN_PARTITION"),
            ("insert into t partition (a = 1, A = 2) select 1", "!DUPLICATE_KEY"),
            (
                "from u insert into t select a insert overwrite v select b where c",
                "{MultiInsert: [Insert{mode: Append, query: Project{expressions: [{name: [a]}], input: NamedTablenameu}, table: t}, Insert{mode: Overwrite, query: Project{expressions: [{name: [b]}], input: Filter{condition: {name: [c]}, input: NamedTablenameu}}, table: v}]}",
            ),
            (
                "with x as (select 1) insert into t select * from x",
                "Insert{mode: Append, query: With{ctes: [{alias: {name: x}, query: Project{expressions: [1], input: OneRow}}], input: Project{expressions: [UnresolvedStar{}], input: NamedTablenamex}}, table: t}",
            ),
            ("with x as (select 1) select * from x", "with(x = select(one; 1); select(x; *))"),
            (
                "delete from t a where b = 1",
                "Delete{condition: UnresolvedFunction{arguments: [{name: [b]}, 1], is_operator: true, name: [=]}, table: SubqueryAlias{alias: {name: a}, input: NamedTablenamet}}",
            ),
            ("delete from t as a (b)", "!COLUMN_ALIASES_NOT_ALLOWED"),
            (
                "update t as x set a = 1, b.c = default where d",
                "Update{assignments: [[[a], 1], [[b, c], Default]], condition: {name: [d]}, table: SubqueryAlias{alias: {name: x}, input: NamedTablenamet}}",
            ),
            (
                "merge into t using s on t.a = s.a when matched and s.x then delete when matched then update set * when not matched then insert * when not matched by source then update set a = 1",
                "Merge{condition: UnresolvedFunction{arguments: [{name: [t, a]}, {name: [s, a]}], is_operator: true, name: [=]}, matched: [{action: Delete, condition: {name: [s, x]}}, {action: UpdateStar}], not_matched: [{action: InsertStar}], not_matched_by_source: [action{Update: [[[a], 1]]}], source: NamedTablenames, target: NamedTablenamet}",
            ),
            (
                "merge into t a using (select 1) b on a.x = b.x when not matched by target then insert (x, y) values (1, default)",
                "Merge{condition: UnresolvedFunction{arguments: [{name: [a, x]}, {name: [b, x]}], is_operator: true, name: [=]}, not_matched: [action{Insert: [[[x], [y]], [1, Default]]}], source: SubqueryAlias{alias: {name: b}, input: Project{expressions: [1], input: OneRow}}, target: SubqueryAlias{alias: {name: a}, input: NamedTablenamet}}",
            ),
            ("merge into t using s on a", "!MERGE_WITHOUT_WHEN"),
            (
                "merge into t using s on a when matched then delete when matched then update set *",
                "!NON_LAST_MATCHED_CLAUSE_OMIT_CONDITION",
            ),
            ("merge into t using s on a when not matched then insert (a) values (1, 2)", "!MERGE_INSERT_VALUE_COUNT_MISMATCH"),
            ("merge into t using s on a when not matched then insert * when matched then delete", "!PARSE_SYNTAX_ERROR"),
        ],
        statement,
    );
}

#[test]
fn showing() {
    check(
        &[
            ("explain extended select 1", "Explain{mode: Extended, statement: Project{expressions: [1], input: OneRow}}"),
            (
                "explain formatted create table t (a int)",
                "Explain{mode: Formatted, statement: CreateTable{name: t, spec: {columns: [{data_type: Integer, name: [a], nullable: true}]}}}",
            ),
            ("explain logical select 1", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("explain analyze select 1", "Explain{mode: Analyze, statement: Project{expressions: [1], input: OneRow}}"),
            ("explain analyze values (1)", "Explain{mode: Analyze, statement: Values{rows: [[1]]}}"),
            ("explain analyze table t", "Explain{mode: Analyze, statement: NamedTablenamet}"),
            (
                "explain analyze table t compute statistics for all columns",
                "Explain{mode: Simple, statement: AnalyzeTable{all_columns: true, name: t}}",
            ),
            ("explain analyze extended select 1", "!PARSE_SYNTAX_ERROR"),
            ("describe history t limit 5", "DescribeDelta{history: true, limit: 5, name: t}"),
            ("describe detail '/x'", "DescribeDeltanamedelta./x"),
            ("show tables", "ShowTables{}"),
            ("show tables in a.b like 'x*'", "ShowTables{namespace: a.b, pattern: x*}"),
            ("show tables 'x'", "ShowTables{pattern: x}"),
            ("show table extended like 'x' partition (a = 1)", "ShowTables{extended: true, partition: [[a, 1]], pattern: x}"),
            ("show views from d", "ShowViewsnamespaced"),
            ("show databases like 'x'", "ShowNamespaces{pattern: x}"),
            ("show schemas in c", "ShowNamespaces{from: [c]}"),
            ("show columns in t from d", "ShowColumns{namespace: [d], table: t}"),
            ("show tblproperties t ('a.b')", "ShowTableProperties{key: a.b, table: t}"),
            ("show tblproperties t (a.b)", "ShowTableProperties{key: a.b, table: t}"),
            ("show partitions t partition (a = 1)", "ShowPartitions{partition: [[a, 1]], table: t}"),
            ("show create table t as serde", "ShowCreateTable{as_serde: true, table: t}"),
            ("show functions", "ShowFunctions{}"),
            ("show user functions like 'x'", "ShowFunctions{pattern: x, scope: USER}"),
            ("show functions in d 'x'", "ShowFunctions{namespace: d, pattern: x}"),
            ("show functions a.b", "ShowFunctions{namespace: a, pattern: b}"),
            ("show foo functions", "!INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_SCOPE"),
            ("show catalogs like 'x'", "ShowCatalogs{pattern: x}"),
            ("show current database", "ShowCurrentNamespace"),
            ("show collations", "Unsupported{what: SHOW COLLATIONS}"),
            ("show roles", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("show grant", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("describe t", "DescribeTablenamet"),
            ("desc table extended a.b", "DescribeTable{extended: true, name: a.b}"),
            ("describe formatted t partition (a = 1)", "DescribeTable{extended: true, name: t, partition: [[a, 1]]}"),
            ("desc t a.b", "DescribeTable{column: [a, b], name: t}"),
            ("desc t partition (a = 1) b", "!UNSUPPORTED_FEATURE.DESC_TABLE_COLUMN_PARTITION"),
            ("desc extended t as json", "DescribeTable{as_json: true, extended: true, name: t}"),
            ("desc t as json", "!DESCRIBE_JSON_NOT_EXTENDED"),
            ("describe database extended d", "DescribeNamespace{extended: true, name: d}"),
            ("describe function extended f", "DescribeFunction{extended: true, name: [f]}"),
            ("describe function 'x'", "DescribeFunction{name: [x]}"),
            ("describe function =", "DescribeFunction{name: [=]}"),
            ("desc query select 1", "DescribeQueryqueryProject{expressions: [1], input: OneRow}"),
            ("desc select 1", "DescribeQueryqueryProject{expressions: [1], input: OneRow}"),
            ("describe values (1)", "DescribeQueryqueryValues{rows: [[1]]}"),
            ("desc table t c", "DescribeTable{column: [c], name: t}"),
        ],
        statement,
    );
}

#[test]
fn settings() {
    check(
        &[
            ("use a.b", "Usenamea.b"),
            ("use database d", "Usenamed"),
            ("use catalog", "Usenamecatalog"),
            ("set catalog c", "SetCatalog{name: c}"),
            ("set catalog 'c'", "SetCatalog{name: c}"),
            ("set catalog c || 'd'", "Unsupported{what: SET CATALOG of a computed name}"),
            ("set", "Set{}"),
            ("set -v", "Set{verbose: true}"),
            ("set a.b", "Set{key: a.b}"),
            ("set a.b = c d ", "Set{key: a.b, value: c d}"),
            ("set a.b=c;", "Set{key: a.b, value: c}"),
            ("set `a b` = c", "Set{key: a b, value: c}"),
            ("set `a b` = `c;d`", "Set{key: a b, value: c;d}"),
            ("set a.b = `c;d`", "Set{key: a.b, value: c;d}"),
            ("set a-b = `c`", "!INVALID_PROPERTY_KEY"),
            ("set a b", "!INVALID_SET_SYNTAX"),
            ("set `a`=b;c", "!INVALID_PROPERTY_VALUE"),
            ("set a=b;c", "!INVALID_SET_SYNTAX"),
            ("set time zone local", "SetTimeZone{}"),
            ("set time zone 'UTC'", "SetTimeZone{zone: UTC}"),
            ("set time zone interval 2 hours", "SetTimeZone{zone: +02:00}"),
            ("set time zone interval -'02:30' hour to minute", "SetTimeZone{zone: -02:30}"),
            ("set time zone interval 20 hours", "!INVALID_INTERVAL_FORMAT.TIMEZONE_INTERVAL_OUT_OF_RANGE"),
            ("set time zone foo", "!_LEGACY_ERROR_TEMP_0045"),
            ("set role x", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("set var a = 1, b.c = default", "SetVariable{names: [[a], [b, c]], values: [1, Default]}"),
            ("set variable (a, b) = (select 1, 2)", "SetVariable{names: [[a], [b]], query: Project{expressions: [1, 2], input: OneRow}}"),
            ("set variable.x = 1", "Set{key: variable.x, value: 1}"),
            ("reset", "Reset{}"),
            ("reset a.b", "Reset{key: a.b}"),
            ("reset `a b`", "Reset{key: a b}"),
            ("reset a b", "!INVALID_RESET_COMMAND_FORMAT"),
            ("set x = /* y", "Set{key: x, value: /* y}"),
            ("declare a int default 1", "DeclareVariable{data_type: Integer, default: [1, 1], names: [a]}"),
            ("declare or replace variable a = 5", "DeclareVariable{default: [5, 5], names: [a], or_replace: true}"),
            ("declare a, b int", "DeclareVariable{data_type: Integer, names: [a, b]}"),
            ("declare a", "!INVALID_SQL_SYNTAX.VARIABLE_TYPE_OR_DEFAULT_REQUIRED"),
        ],
        statement,
    );
}

#[test]
fn others() {
    check(
        &[
            ("select 1;", "select(one; 1)"),
            ("drop table if exists a.b purge", "DropTable{if_exists: true, kind: Table, name: a.b, purge: true}"),
            ("drop view v", "DropTable{kind: View, name: v}"),
            ("drop database d cascade", "DropNamespace{cascade: true, name: d}"),
            ("drop temporary function if exists f", "DropFunction{if_exists: true, name: f, temporary: true}"),
            ("drop temporary variable x", "DropVariablenamex"),
            ("drop index i on t", "Unsupported{what: DROP INDEX}"),
            ("begin select 1; end", "Script{text: begin select 1; end}"),
            (
                "cache lazy table t options ('a' = 'b') as select 1",
                "CacheTable{lazy: true, name: t, options: {a: b}, query: Project{expressions: [1], input: OneRow}}",
            ),
            ("cache table t", "CacheTablenamet"),
            ("cache table a.b as select 1", "!_LEGACY_ERROR_TEMP_0037"),
            ("uncache table if exists t", "UncacheTable{if_exists: true, name: t}"),
            ("clear cache", "ClearCache"),
            ("refresh table a.b", "Refresh{name: a.b, what: TABLE}"),
            ("refresh '/x'", "Refresh{name: /x, what: }"),
            ("refresh /a/b", "Refresh{name: /a/b, what: }"),
            ("refresh /a b", "!_LEGACY_ERROR_TEMP_0064"),
            (
                "analyze table t partition (a = 1, b) compute statistics noscan",
                "AnalyzeTable{name: t, noscan: true, partition: [[a, 1], [b, null]]}",
            ),
            ("analyze table t compute statistics for columns a, b", "AnalyzeTable{columns: [a, b], name: t}"),
            ("analyze table t compute statistics for all columns", "AnalyzeTable{all_columns: true, name: t}"),
            ("analyze table t compute statistics foo", "!INVALID_SQL_SYNTAX.ANALYZE_TABLE_UNEXPECTED_NOSCAN"),
            ("msck repair table t sync partitions", "RepairTablenamet"),
            ("add jar /x/y.jar", "ManageResource{operation: ADD, rest: jar /x/y.jar}"),
            ("list files", "ManageResource{operation: LIST, rest: files}"),
            ("add foo x", "!_LEGACY_ERROR_TEMP_0035"),
            ("comment on table t is 'x'", "CommentOn{comment: x, name: t}"),
            ("comment on database d is null", "CommentOn{name: d, namespace: true}"),
            ("grant select on t to u", "!INVALID_STATEMENT_OR_CLAUSE"),
            ("start transaction", "!INVALID_STATEMENT_OR_CLAUSE"),
            (
                "execute immediate 'select ?' into a, b using 1 as x, 2",
                "ExecuteImmediate{into: [[a], [b]], query: select ?, using: [Alias{expr: 1, name: [x]}, 2]}",
            ),
            ("execute immediate 'x' using (1 as a, 2 as a)", "!EXEC_IMMEDIATE_DUPLICATE_ARGUMENT_ALIASES"),
            ("call p(1)", "Unsupported{what: CALL}"),
            (
                "optimize t where a = 1 zorder by (a, b)",
                "Optimize{condition: UnresolvedFunction{arguments: [{name: [a]}, 1], is_operator: true, name: [=]}, name: t, zorder: [[a], [b]]}",
            ),
            ("vacuum t retain 7 hours dry run", "Vacuum{dry_run: true, name: t, retain_hours: 7.0}"),
            ("restore table t to version as of 3", "Restore{name: t, to: {Version: 3}}"),
            ("what is this", "!PARSE_SYNTAX_ERROR"),
            ("", "!PARSE_EMPTY_STATEMENT"),
            ("select 1; select 2", "!PARSE_SYNTAX_ERROR"),
            ("select 1 /* x", "!UNCLOSED_BRACKETED_COMMENT"),
            ("(select 1)", "select(one; 1)"),
            ("values 1", "values (1)"),
            ("table t", "t"),
            ("from t", "t"),
        ],
        statement,
    );
}
