//! The tables of the TPC benchmarks, read from `tpch.ddl` and `tpcds.ddl` beside this file.

/// Each table's name and its columns in Spark's DDL. A line that begins with a blank goes on with the columns of the table above.
pub(crate) fn tables(ddl: &'static str) -> Vec<(&'static str, String)> {
    let mut tables: Vec<(&str, String)> = Vec::new();
    for line in ddl.lines().filter(|line| !line.starts_with("--")) {
        match (line.strip_suffix(':'), tables.last_mut()) {
            (Some(name), _) => tables.push((name, String::new())),
            (None, Some((_, columns))) => columns.push_str(line),
            (None, None) => {}
        }
    }
    tables
}
