//! The files that a DataFrame reads: those of its scans, as they are now.

use std::any::Any;
use std::path::Path;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::DefaultTableSource;
use datafusion::logical_expr::LogicalPlan;

use super::DataFrame;
use crate::scan::FileTable;
use tidemill_planner::Result;
use tidemill_planner::scan::ScanTable;

impl DataFrame {
    /// The files that it reads, each once, in order of their names: all files of its tables, whatever a condition leaves out.
    ///
    /// # Errors
    /// Those of [`DataFrame::schema`], and when a folder cannot be listed.
    pub async fn input_files(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut failed = None;
        self.plan().await?.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Some(source) = (scan.source.as_ref() as &dyn Any).downcast_ref::<DefaultTableSource>()
            {
                let provider = source.table_provider.as_ref();
                let any = provider as &dyn Any;
                let files = match (any.downcast_ref::<FileTable>(), any.downcast_ref::<ScanTable>()) {
                    (Some(table), _) => table.paths(),
                    (_, Some(table)) => Ok(table.paths()),
                    _ => tidemill_lakehouse::files_of(provider).unwrap_or_else(|| Ok(Vec::new())),
                };
                match files {
                    Ok(files) => found.extend(files.iter().map(|path| uri(path))),
                    Err(error) => failed = Some(error),
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// A path as Spark names files.
fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}
