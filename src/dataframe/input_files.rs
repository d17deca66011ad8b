//! The files that a DataFrame reads: those of its scans, as they are now.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

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
        let mut sources = Vec::new();
        self.plan().await?.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Some(source) = (scan.source.as_ref() as &dyn Any).downcast_ref::<DefaultTableSource>()
            {
                sources.push(Arc::clone(&source.table_provider));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        let mut found = Vec::new();
        for provider in sources {
            let provider = provider.as_ref();
            let known = {
                let any = provider as &dyn Any;
                (any.downcast_ref::<FileTable>(), any.downcast_ref::<ScanTable>())
            };
            let files = match known {
                (Some(table), _) => table.paths().await?,
                (_, Some(table)) => table.paths(),
                _ => tidemill_lakehouse::files_of(provider).unwrap_or_else(|| Ok(Vec::new()))?,
            };
            found.extend(files.iter().map(|path| uri(path)));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// A path as Spark names files; one in an object store has its scheme.
fn uri(path: &Path) -> String {
    if !path.is_absolute() {
        return path.display().to_string();
    }
    format!("file://{}", path.display())
}
