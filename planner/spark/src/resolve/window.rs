//! Windows: PARTITION BY, ORDER BY, frames, and the names that a WINDOW clause gives them.

use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::logical_expr::{SortExpr, WindowFrame as EngineFrame, WindowFrameBound, WindowFrameUnits};
use datafusion::scalar::ScalarValue;

use super::Resolver;
use super::scope::Scope;
use crate::error::{at, error};
use crate::functions::{self, Build, Function, WindowContext};
use crate::plan::{CastMode, Expression, FrameBound, FrameUnit, WindowFrame, WindowSpec};
use crate::types::{SparkType, cast, to_arrow};
use crate::{Result, Sql, Typed};

impl Resolver<'_> {
    /// The window that a call of `function` is over.
    pub(crate) fn window(&mut self, spec: &WindowSpec, function: &Function, scope: &Scope) -> Result<WindowContext> {
        let spec = self.named_window(spec)?;
        let partition_by = self.expressions(&spec.partition_by, scope)?.into_iter().map(|typed| typed.expr).collect();
        let keys = self.sort_keys(&spec.order_by, scope)?;
        let rank_like = matches!(function.build, Build::Window(_)) && !matches!(function.name, "nth_value" | "first_value" | "last_value");
        if rank_like && keys.is_empty() {
            return Err(error("WINDOW_FUNCTION_FRAME_NOT_ORDERED", format!("`{}` needs an ORDER BY in its window", function.name)));
        }
        let order_by: Vec<SortExpr> = keys.iter().map(|k| SortExpr::new(k.key.expr.clone(), k.ascending, k.nulls_first)).collect();
        let frame = match &spec.frame {
            Some(frame) if rank_like => {
                return Err(error(
                    "WINDOW_FUNCTION_AND_FRAME_MISMATCH",
                    format!(
                        "`{}` has a frame of its own: take `{}` away",
                        function.name,
                        frame_sql(frame, |_| Ok((Sql::from("…"), false)))?
                    ),
                ));
            }
            Some(frame) => self.frame(frame, &keys)?,
            None if keys.is_empty() => EngineFrame::new_bounds(
                WindowFrameUnits::Rows,
                WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
                WindowFrameBound::Following(ScalarValue::UInt64(None)),
            ),
            None => EngineFrame::new_bounds(
                if rank_like { WindowFrameUnits::Rows } else { WindowFrameUnits::Range },
                WindowFrameBound::Preceding(if rank_like { ScalarValue::UInt64(None) } else { ScalarValue::Null }),
                WindowFrameBound::CurrentRow,
            ),
        };
        Ok(WindowContext { partition_by, order_by, frame, frame_given: spec.frame.is_some() })
    }

    /// The window, looked up if it is named.
    pub(crate) fn named_window(&self, spec: &WindowSpec) -> Result<WindowSpec> {
        let Some(name) = &spec.reference else { return Ok(spec.clone()) };
        let found = self.windows.iter().rev().find_map(|frame| frame.get(&name.to_lowercase()));
        let Some(found) = found else {
            return Err(error("MISSING_WINDOW_SPECIFICATION", format!("there is no window `{name}`: define it with WINDOW {name} AS (…)")));
        };
        let base = self.named_window(found)?;
        Ok(WindowSpec {
            reference: None,
            partition_by: base.partition_by,
            order_by: if spec.order_by.is_empty() { base.order_by } else { spec.order_by.clone() },
            frame: spec.frame.clone().or(base.frame),
        })
    }

    fn frame(&mut self, frame: &WindowFrame, keys: &[functions::SortKey]) -> Result<EngineFrame> {
        let has_value = |bound: &FrameBound| matches!(bound, FrameBound::Preceding(_) | FrameBound::Following(_));
        if frame.unit == FrameUnit::Range {
            if keys.is_empty() {
                return Err(error("DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", "a RANGE frame needs an ORDER BY in its window"));
            }
            if keys.len() > 1 && (has_value(&frame.lower) || has_value(&frame.upper)) {
                return Err(error("DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER", "a RANGE frame with values needs one ORDER BY key"));
            }
        }
        if matches!(frame.lower, FrameBound::UnboundedFollowing) || matches!(frame.upper, FrameBound::UnboundedPreceding) {
            return Err(error("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON", "the frame ends before it begins"));
        }
        let key = keys.first().map(|k| &k.key);
        let lower = self.bound(&frame.lower, frame.unit, key)?;
        let upper = self.bound(&frame.upper, frame.unit, key)?;
        let units = if frame.unit == FrameUnit::Rows { WindowFrameUnits::Rows } else { WindowFrameUnits::Range };
        if let (Some(low), Some(high)) = (place(&lower), place(&upper))
            && low > high
        {
            return Err(error(
                "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON",
                "the frame's lower bound is above its upper bound",
            ));
        }
        Ok(EngineFrame::new_bounds(units, lower, upper))
    }

    fn bound(&mut self, bound: &FrameBound, unit: FrameUnit, key: Option<&Typed>) -> Result<WindowFrameBound> {
        let unbounded = || if unit == FrameUnit::Rows { ScalarValue::UInt64(None) } else { ScalarValue::Null };
        let (expression, following) = match bound {
            FrameBound::UnboundedPreceding => return Ok(WindowFrameBound::Preceding(unbounded())),
            FrameBound::UnboundedFollowing => return Ok(WindowFrameBound::Following(unbounded())),
            FrameBound::CurrentRow => return Ok(WindowFrameBound::CurrentRow),
            FrameBound::Preceding(expression) => (expression, false),
            FrameBound::Following(expression) => (expression, true),
        };
        let (value, negative) = self.bound_value(expression, unit, key)?;
        Ok(if following != negative { WindowFrameBound::Following(value) } else { WindowFrameBound::Preceding(value) })
    }

    /// The distance, and whether it was negative.
    fn bound_value(&mut self, expression: &Expression, unit: FrameUnit, key: Option<&Typed>) -> Result<(ScalarValue, bool)> {
        let refuse = |condition: &'static str, message: String| at(error(condition, message), expression.span);
        let typed = self.expression(expression, &Scope::default())?;
        let Some(_) = functions::constant(&typed)? else {
            let message = format!("a frame's bound has to be a constant, not \"{}\"", typed.sql);
            return Err(refuse("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE", message));
        };
        let unacceptable = |wanted: &str| {
            let message = format!("the frame's bound \"{}\" is \"{}\", and {wanted} is needed", typed.sql, typed.data_type.sql());
            refuse("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE", message)
        };
        if unit == FrameUnit::Rows {
            if !matches!(typed.data_type, SparkType::Integer | SparkType::Short | SparkType::Byte) {
                return Err(unacceptable("an int"));
            }
            let value = functions::constant(&cast::cast(typed, &SparkType::Long, CastMode::Session, &self.settings, None)?)?;
            let Some(ScalarValue::Int64(Some(rows))) = value else {
                return Err(refuse("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE", "a frame's bound is null".to_owned()));
            };
            return Ok((ScalarValue::UInt64(Some(rows.unsigned_abs())), rows < 0));
        }
        let Some(key) = key else { return Err(unacceptable("an ORDER BY key")) };
        match &key.data_type {
            SparkType::Date | SparkType::Timestamp | SparkType::TimestampNtz => {
                let value = functions::constant(&typed)?.unwrap_or(ScalarValue::Null);
                let days = |days: i64| i32::try_from(days).map(|days| IntervalMonthDayNano::new(0, days, 0)).ok();
                let interval = match (&key.data_type, value) {
                    (SparkType::Date, ScalarValue::Int32(Some(n))) => days(i64::from(n)),
                    (SparkType::Date, ScalarValue::Int16(Some(n))) => days(i64::from(n)),
                    (SparkType::Date, ScalarValue::Int8(Some(n))) => days(i64::from(n)),
                    (_, ScalarValue::DurationMicrosecond(Some(us))) => {
                        let day = 86_400_000_000;
                        us.checked_rem(day).and_then(|rest| {
                            i32::try_from(us / day).ok().map(|days| IntervalMonthDayNano::new(0, days, rest.saturating_mul(1_000)))
                        })
                    }
                    (_, ScalarValue::IntervalYearMonth(Some(months))) => Some(IntervalMonthDayNano::new(months, 0, 0)),
                    (_, ScalarValue::IntervalMonthDayNano(Some(interval))) => Some(interval),
                    _ => None,
                };
                let Some(interval) = interval else { return Err(unacceptable("an interval")) };
                let negative = interval.months < 0 || interval.days < 0 || interval.nanoseconds < 0;
                let absolute = IntervalMonthDayNano::new(
                    interval.months.saturating_abs(),
                    interval.days.saturating_abs(),
                    interval.nanoseconds.saturating_abs(),
                );
                Ok((ScalarValue::IntervalMonthDayNano(Some(absolute)), negative))
            }
            data_type if data_type.is_numeric() && (typed.data_type.is_numeric() || typed.data_type.is_string()) => {
                let made = cast::cast(typed, data_type, CastMode::Session, &self.settings, None)?;
                let value = functions::constant(&made)?.unwrap_or(ScalarValue::Null);
                if value.is_null() {
                    return Err(refuse("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE", "a frame's bound is null".to_owned()));
                }
                let zero = ScalarValue::new_zero(&to_arrow(data_type))?;
                if value < zero { Ok((value.arithmetic_negate()?, true)) } else { Ok((value, false)) }
            }
            SparkType::DayTimeInterval(..) | SparkType::YearMonthInterval(..) if typed.data_type.is_ansi_interval() => {
                let value = functions::constant(&typed)?.unwrap_or(ScalarValue::Null);
                let zero = match value.data_type() {
                    DataType::Duration(_) => ScalarValue::DurationMicrosecond(Some(0)),
                    _ => ScalarValue::IntervalYearMonth(Some(0)),
                };
                if value < zero { Ok((value.arithmetic_negate()?, true)) } else { Ok((value, false)) }
            }
            other => {
                let message = format!("a RANGE frame with values does not go with a key of \"{}\"", other.sql());
                Err(refuse("DATATYPE_MISMATCH.RANGE_FRAME_INVALID_TYPE", message))
            }
        }
    }

    /// The call with its window, as Spark shows it.
    pub(crate) fn shown_over(&mut self, made: Typed, filter: Option<&Typed>, spec: &WindowSpec, scope: &Scope) -> Typed {
        let sql = self.over_sql(&made, filter, spec, scope).unwrap_or_else(|_| made.sql.clone());
        made.shown(sql)
    }

    fn over_sql(&mut self, made: &Typed, filter: Option<&Typed>, spec: &WindowSpec, scope: &Scope) -> Result<Sql> {
        let spec = self.named_window(spec)?;
        let mut parts: Vec<Sql> = vec![made.sql.clone()];
        if let Some(filter) = filter {
            parts.extend([" FILTER (WHERE ".into(), filter.sql.clone(), ")".into()]);
        }
        parts.push(" OVER (".into());
        let mut gap = "";
        for (i, key) in self.expressions(&spec.partition_by, scope)?.into_iter().enumerate() {
            parts.push(if i == 0 { "PARTITION BY ".into() } else { ", ".into() });
            parts.push(key.sql);
            gap = " ";
        }
        let ordered = !spec.order_by.is_empty();
        let mut key_type = None;
        for (i, key) in self.sort_keys(&spec.order_by, scope)?.into_iter().enumerate() {
            key_type.get_or_insert_with(|| key.key.data_type.clone());
            parts.push(if i == 0 { format!("{gap}ORDER BY ").into() } else { ", ".into() });
            parts.push(key.key.sql);
            let direction = if key.ascending { " ASC" } else { " DESC" };
            let nulls = if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" };
            parts.push(format!("{direction}{nulls}").into());
            gap = " ";
        }
        let name = made.sql.to_string();
        let lead = name.split('(').next().unwrap_or("").to_owned();
        let frame = match &spec.frame {
            Some(frame) => frame_sql(frame, |e| {
                let value = self.expression(e, &Scope::default())?;
                // Distances of another type than the key's are cast to it.
                let is_cast =
                    frame.unit == FrameUnit::Range && key_type.as_ref().is_some_and(|key| key.is_numeric() && *key != value.data_type);
                Ok((value.sql, is_cast))
            })?,
            None => match lead.to_lowercase().as_str() {
                "row_number" | "rank" | "dense_rank" | "percent_rank" | "ntile" => {
                    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned()
                }
                "cume_dist" => "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned(),
                "lag" | "lead" => {
                    let inside = name
                        .strip_prefix(&lead)
                        .and_then(|rest| rest.strip_prefix('('))
                        .and_then(|rest| rest.strip_suffix(')'))
                        .unwrap_or("");
                    let parts: Vec<&str> = inside.rsplitn(3, ", ").collect();
                    let offset = if parts.len() == 3 { parts[1] } else { "1" };
                    let offset = if lead == "lag" {
                        offset.strip_prefix('-').map_or_else(|| format!("-{offset}"), str::to_owned)
                    } else {
                        offset.to_owned()
                    };
                    format!("ROWS BETWEEN {offset} FOLLOWING AND {offset} FOLLOWING")
                }
                _ if ordered => "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned(),
                _ => "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_owned(),
            },
        };
        parts.push(format!("{gap}{frame})").into());
        Ok(Sql::concat(parts))
    }
}

fn frame_sql(frame: &WindowFrame, mut value: impl FnMut(&Expression) -> Result<(Sql, bool)>) -> Result<String> {
    let mut bound = |bound: &FrameBound| {
        Ok::<_, crate::Error>(match bound {
            FrameBound::UnboundedPreceding => "UNBOUNDED PRECEDING".to_owned(),
            FrameBound::UnboundedFollowing => "UNBOUNDED FOLLOWING".to_owned(),
            FrameBound::CurrentRow => "CURRENT ROW".to_owned(),
            // A distance before the row is its opposite after it, and is known as such unless a cast hides it.
            FrameBound::Preceding(e) => match value(e)? {
                (sql, true) => format!("(- {sql}) FOLLOWING"),
                (sql, false) => format!("{sql} PRECEDING"),
            },
            FrameBound::Following(e) => format!("{} FOLLOWING", value(e)?.0),
        })
    };
    let unit = if frame.unit == FrameUnit::Rows { "ROWS" } else { "RANGE" };
    Ok(format!("{unit} BETWEEN {} AND {}", bound(&frame.lower)?, bound(&frame.upper)?))
}

/// Where a bound of rows stands, the current row being 0.
fn place(bound: &WindowFrameBound) -> Option<i128> {
    match bound {
        WindowFrameBound::CurrentRow => Some(0),
        WindowFrameBound::Preceding(ScalarValue::UInt64(Some(rows))) => Some(-i128::from(*rows)),
        WindowFrameBound::Following(ScalarValue::UInt64(Some(rows))) => Some(i128::from(*rows)),
        _ => None,
    }
}
