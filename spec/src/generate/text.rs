//! Writing Rust as text: documentation, strings and types as they stand in source.

use crate::model::{Description, SchemaKind, Type};

/// Appends formatted lines to a `String`; writing to one cannot fail.
macro_rules! put {
    ($out:expr, $($line:tt)*) => {{
        $out.push_str(&format!($($line)*));
        $out.push('\n');
    }};
}
pub(super) use put;

/// Prose as doc lines. Nothing in it is taken for code, a link or HTML.
pub(super) fn doc(out: &mut String, indent: &str, prose: &str) {
    for line in prose.trim().lines() {
        let line = line.trim().replace("```", "'''");
        let mut escaped = String::with_capacity(line.len());
        // What stands in backquotes is literal already.
        for (index, part) in line.split('`').enumerate() {
            if index > 0 {
                escaped.push('`');
            }
            for c in part.chars() {
                if index % 2 == 0 && matches!(c, '<' | '>' | '[' | ']' | '\\' | '*' | '_') {
                    escaped.push('\\');
                }
                escaped.push(c);
            }
        }
        if line.matches('`').count() % 2 == 1 {
            escaped = escaped.replace('`', "'");
        }
        put!(out, "{indent}/// {escaped}");
    }
}

/// A wire name as a Rust string literal.
pub(super) fn literal(name: &str) -> String {
    format!("{name:?}")
}

/// The Rust type of a value; from the module `types`, or with its path from elsewhere.
pub(super) fn rust(ty: &Type, module: &str) -> String {
    match ty {
        Type::String => "String".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int32 => "i32".to_owned(),
        Type::Uint32 => "u32".to_owned(),
        Type::Int64 => "i64".to_owned(),
        Type::Uint64 => "u64".to_owned(),
        Type::Double => "f64".to_owned(),
        Type::Bytes => "Vec<u8>".to_owned(),
        Type::Timestamp => "chrono::DateTime<chrono::Utc>".to_owned(),
        Type::Duration => "chrono::TimeDelta".to_owned(),
        Type::Any => "crate::wire::Any".to_owned(),
        Type::Object => "serde_json::Map<String, serde_json::Value>".to_owned(),
        Type::Json => "serde_json::Value".to_owned(),
        Type::Ref(name) => format!("{module}{name}"),
        Type::List(item) => format!("Vec<{}>", rust(item, module)),
        Type::Map(value) => format!(
            "std::collections::BTreeMap<String, {}>",
            rust(value, module)
        ),
    }
}

/// Whether the type is a string with a pattern, which has no zero value.
pub(super) fn is_pattern(description: &Description, ty: &Type) -> bool {
    matches!(ty, Type::Ref(name) if description.schemas.get(name).is_some_and(|schema| matches!(schema.kind, SchemaKind::Pattern(_))))
}
