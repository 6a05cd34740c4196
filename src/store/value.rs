//! What goes into a statement and what comes out of it: integers, text, bytes and nothing.
//!
//! Four kinds, because both databases keep them without loss and without surprise. No floating point, no dates of the
//! database's own (an instant is epoch milliseconds), no JSON types. A column of any other type is an error where the
//! row is read, with the advice to cast it. Getters return no `Result`: which columns a statement has is written in
//! its text, so a wrong one is a mistake of ours that debug builds (all tests) stop at; a release gives the empty value.

use bytes_of_postgres::BytesMut;
use jiff::Timestamp;
use postgres::types::{IsNull, ToSql, Type, private as bytes_of_postgres, to_sql_checked};
use std::borrow::Cow;
use std::error::Error;

/// One parameter or one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// An integer; a flag is 0 or 1, an instant is milliseconds since 1970 in UTC.
    Int(i64),
    /// Text. A NUL character is stored as U+FFFD: PostgreSQL has no NUL in text, and both databases shall keep the same.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
}

/// The parameters of a statement: `values![case, "open", now]` makes an array of [`Value`](crate::store::Value).
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        [$($crate::store::Value::from($value)),*]
    };
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value::Int(i64::from(value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Value::Text(value.clone())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Value::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(value)
    }
}

impl From<Timestamp> for Value {
    /// Whole milliseconds; what is finer is cut.
    fn from(value: Timestamp) -> Self {
        Value::Int(value.as_millisecond())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Text as both databases can keep it.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Value::Text(text) => match storable(text) {
                Cow::Borrowed(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
                Cow::Owned(text) => ToSqlOutput::Owned(Owned::Text(text)),
            },
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) => match *kind {
                Type::INT8 => value.to_sql(kind, out),
                Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
                Type::INT2 => i16::try_from(*value)?.to_sql(kind, out),
                Type::BOOL => (*value != 0).to_sql(kind, out),
                _ => Err(format!("an integer was given where PostgreSQL expects {kind}: cast the parameter").into()),
            },
            Value::Text(text) if <&str as ToSql>::accepts(kind) => storable(text).as_ref().to_sql(kind, out),
            Value::Text(_) => Err(format!("text was given where PostgreSQL expects {kind}: cast the parameter").into()),
            Value::Bytes(bytes) if *kind == Type::BYTEA => bytes.to_sql(kind, out),
            Value::Bytes(_) => Err(format!("bytes were given where PostgreSQL expects {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// One row of a result; columns are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub(super) Box<[Value]>);

impl Row {
    /// An integer.
    pub fn int(&self, column: usize) -> i64 {
        self.opt_int(column)
            .unwrap_or_else(|| self.mistaken(column, "an integer", 0))
    }

    /// An integer, or nothing.
    pub fn opt_int(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Some(*value),
            Some(Value::Null) => None,
            _ => self.mistaken(column, "an integer or nothing", None),
        }
    }

    /// An integer read as yes (not 0) or no.
    pub fn flag(&self, column: usize) -> bool {
        self.int(column) != 0
    }

    /// Text.
    pub fn text(&self, column: usize) -> &str {
        self.opt_text(column)
            .unwrap_or_else(|| self.mistaken(column, "text", ""))
    }

    /// Text, or nothing.
    pub fn opt_text(&self, column: usize) -> Option<&str> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Null) => None,
            _ => self.mistaken(column, "text or nothing", None),
        }
    }

    /// Raw bytes.
    pub fn bytes(&self, column: usize) -> &[u8] {
        self.opt_bytes(column)
            .unwrap_or_else(|| self.mistaken(column, "bytes", &[]))
    }

    /// Raw bytes, or nothing.
    pub fn opt_bytes(&self, column: usize) -> Option<&[u8]> {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            Some(Value::Null) => None,
            _ => self.mistaken(column, "bytes or nothing", None),
        }
    }

    /// An instant, kept as milliseconds since 1970 in UTC.
    pub fn instant(&self, column: usize) -> Timestamp {
        self.opt_instant(column)
            .unwrap_or_else(|| self.mistaken(column, "an instant", Timestamp::UNIX_EPOCH))
    }

    /// An instant, or nothing.
    pub fn opt_instant(&self, column: usize) -> Option<Timestamp> {
        let millis = self.opt_int(column)?;
        Some(
            Timestamp::from_millisecond(millis)
                .unwrap_or_else(|_| self.mistaken(column, "an instant that a calendar has", Timestamp::UNIX_EPOCH)),
        )
    }

    /// Stops debug builds at a statement and a getter that do not fit each other.
    fn mistaken<T>(&self, column: usize, wanted: &str, instead: T) -> T {
        debug_assert!(false, "column {column} is not {wanted} but {:?}", self.0.get(column));
        instead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_made_from_plain_rust() {
        let at: Timestamp = "2025-03-01T10:00:00.123456Z".parse().unwrap();
        assert_eq!(
            values![1_i64, true, "a", None::<i64>, Some("b"), vec![0_u8], at],
            [
                Value::Int(1),
                Value::Int(1),
                Value::Text("a".into()),
                Value::Null,
                Value::Text("b".into()),
                Value::Bytes(vec![0]),
                Value::Int(1_740_823_200_123),
            ]
        );
        let none: [Value; 0] = values![];
        assert!(none.is_empty());
    }

    #[test]
    fn getters_read_what_was_put_in() {
        let at: Timestamp = "2025-03-01T10:00:00.123Z".parse().unwrap();
        let row = Row(Box::new(values![7, "x", Vec::new(), at, None::<&str>, false]));
        assert_eq!((row.int(0), row.text(1), row.bytes(2)), (7, "x", &[][..]));
        assert_eq!((row.instant(3), row.opt_instant(3)), (at, Some(at)));
        assert_eq!(
            (row.opt_text(4), row.opt_int(4), row.opt_bytes(4), row.opt_instant(4)),
            (None, None, None, None)
        );
        assert!(row.flag(0) && !row.flag(5));
    }

    #[test]
    fn a_nul_in_text_is_kept_as_a_replacement_character() {
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
        assert_eq!(storable("ab"), "ab");
    }
}
