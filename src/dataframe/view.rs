//! Temporary views: a DataFrame under a name, for this session's SQL.

use super::DataFrame;
use tidemill_planner::{Error, Result};

impl DataFrame {
    /// Makes it known under a name to this session's SQL.
    ///
    /// # Errors
    /// Those of [`DataFrame::schema`], a name with dots, and `TEMP_TABLE_OR_VIEW_ALREADY_EXISTS`.
    pub fn create_temp_view(&self, name: &str) -> Result<()> {
        self.view(name, false, false)
    }

    /// The same, in the place of a view that has the name.
    ///
    /// # Errors
    /// Those of [`DataFrame::schema`], and a name with dots.
    pub fn create_or_replace_temp_view(&self, name: &str) -> Result<()> {
        self.view(name, false, true)
    }

    /// Makes it known as `global_temp.name`.
    ///
    /// # Errors
    /// Those of [`DataFrame::create_temp_view`].
    pub fn create_global_temp_view(&self, name: &str) -> Result<()> {
        self.view(name, true, false)
    }

    /// The same, in the place of a view that has the name.
    ///
    /// # Errors
    /// Those of [`DataFrame::create_or_replace_temp_view`].
    pub fn create_or_replace_global_temp_view(&self, name: &str) -> Result<()> {
        self.view(name, true, true)
    }

    fn view(&self, name: &str, global: bool, or_replace: bool) -> Result<()> {
        if name.is_empty() || name.contains(['.', '`']) {
            return Err(Error::analysis(format!("`{name}` cannot name a view: give it a plain name without dots")));
        }
        let settings = self.session.spark_settings();
        let view = crate::open::resolved_view(name, self.meaning()?, global);
        self.session.objects().put_temp_view(view, or_replace, &settings)?;
        self.session.kept().name_has_changed(name);
        Ok(())
    }
}
