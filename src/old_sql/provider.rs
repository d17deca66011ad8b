//! What DataFusion's SQL planner asks for: the statement's tables, resolved beforehand, and the session's functions.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{TableReference, plan_datafusion_err};
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};

use crate::spark::planner::SparkTypes;
use crate::spark::values;
use crate::{Error, Session};

/// A statement's tables by the names that stand in it.
pub(super) struct Tables {
    pub(super) by_name: HashMap<TableReference, Arc<dyn TableSource>>,
    /// The error for a name that is none of them.
    pub(super) unknown: Box<dyn Fn(&str) -> Error + Send + Sync>,
}

impl Tables {
    /// No tables yet; unknown names are told against the session's views.
    pub(super) fn of(session: &Session) -> Self {
        let session = session.clone();
        Self { by_name: HashMap::new(), unknown: Box::new(move |name| session.catalog().unknown(name)) }
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self { by_name: HashMap::new(), unknown: Box::new(|name| Error::analysis(format!("an expression names no tables: `{name}`"))) }
    }
}

pub(super) struct Provider<'a> {
    pub(super) state: &'a SessionState,
    pub(super) tables: &'a Tables,
}

impl ContextProvider for Provider<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        self.tables.by_name.get(&name).cloned().ok_or_else(|| plan_datafusion_err!("there is no table or view `{name}`"))
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        let lower = name.to_lowercase();
        let function = self.state.table_functions().get(&lower).ok_or_else(|| plan_datafusion_err!("unknown table function `{name}`"))?;
        let table = function.create_table_provider_with_args(datafusion::catalog::TableFunctionArgs::new(&args, self.state))?;
        Ok(provider_as_source(table))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(SparkTypes))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        if name == values::MARK {
            return Some(values::mark());
        }
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
