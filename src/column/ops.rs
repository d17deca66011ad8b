//! Rust's operators over columns: `+ - * / %` compute, `& | !` are AND, OR and NOT.

use std::ops;

use super::{Column, Operand};

macro_rules! operators {
    ($($trait:ident $method:ident $op:literal),* $(,)?) => {
        $(
            impl<O: Operand> ops::$trait<O> for Column {
                type Output = Column;

                fn $method(self, other: O) -> Column {
                    Column::operator($op, [self, other.into_operand()])
                }
            }

            impl<O: Operand> ops::$trait<O> for &Column {
                type Output = Column;

                fn $method(self, other: O) -> Column {
                    Column::operator($op, [self.clone(), other.into_operand()])
                }
            }

            operators!(@values $trait $method $op: i32 i64 f32 f64);
        )*
    };
    (@values $trait:ident $method:ident $op:literal: $($value:ty)*) => {
        $(
            impl ops::$trait<Column> for $value {
                type Output = Column;

                fn $method(self, other: Column) -> Column {
                    Column::operator($op, [self.into_operand(), other])
                }
            }
        )*
    };
}

operators!(Add add "+", Sub sub "-", Mul mul "*", Div div "/", Rem rem "%");

macro_rules! logic {
    ($($trait:ident $method:ident $op:literal),* $(,)?) => {
        $(
            impl<O: Operand> ops::$trait<O> for Column {
                type Output = Column;

                fn $method(self, other: O) -> Column {
                    Column::operator($op, [self, other.into_operand()])
                }
            }
        )*
    };
}

logic!(BitAnd bitand "and", BitOr bitor "or");

impl ops::Neg for Column {
    type Output = Self;

    fn neg(self) -> Self {
        Self::operator("negative", [self])
    }
}

impl ops::Not for Column {
    type Output = Self;

    fn not(self) -> Self {
        Column::not(self)
    }
}
