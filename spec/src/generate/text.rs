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

/// The column behind which prose goes on in the next line.
const WIDTH: usize = 110;

/// Prose as doc lines; none for empty prose. Nothing in it is taken for code, a link or HTML.
pub(super) fn doc(out: &mut String, indent: &str, prose: &str) {
    for line in filled(prose) {
        if line.is_empty() {
            put!(out, "{indent}///");
            continue;
        }
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
        let mut width = 0;
        let mut wrapped = String::new();
        for word in escaped.split(' ') {
            let length = word.chars().count();
            if width > 0 && width + length >= WIDTH && can_begin_a_line(word) {
                put!(out, "{indent}/// {wrapped}");
                wrapped.clear();
                width = 0;
            } else if !wrapped.is_empty() {
                wrapped.push(' ');
            }
            wrapped.push_str(word);
            width += length + 1;
        }
        put!(out, "{indent}/// {}", wrapped.trim_end());
    }
}

/// The lines of the prose, those of a paragraph joined into one.
fn filled(prose: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in prose.trim().lines() {
        let line = line.trim().replace("```", "'''");
        match lines.last_mut() {
            Some(last) if !last.is_empty() && can_begin_a_line(&line) => {
                last.push(' ');
                last.push_str(&line);
            }
            _ => lines.push(line),
        }
    }
    lines
}

/// Whether Markdown takes the word at the beginning of a line as it does within one: no bullet, number, heading or rule.
fn can_begin_a_line(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || matches!(c, '`' | '(' | '"'))
}

/// `pub fn name(arguments) -> result` without the body, an argument a line where one line would be too long.
pub(super) fn signature(indent: &str, name: &str, arguments: &[String], result: &str) -> String {
    let line = format!(
        "{indent}pub fn {name}({}) -> {result}",
        arguments.join(", ")
    );
    if line.len() <= WIDTH {
        return line;
    }
    format!(
        "{indent}pub fn {name}({}) -> {result}",
        one_a_line(indent, arguments)
    )
}

/// Items of a list behind `used` characters of a line, behind each other where they fit, otherwise one a line.
pub(super) fn list(indent: &str, used: usize, items: &[String]) -> String {
    let line = items.join(", ");
    if used + line.len() <= WIDTH {
        return line;
    }
    one_a_line(indent, items)
}

fn one_a_line(indent: &str, items: &[String]) -> String {
    let mut lines = String::from("\n");
    for item in items {
        put!(lines, "{indent}    {item},");
    }
    lines + indent
}

/// The inclusion of another file in the folder of the build.
pub(super) fn include(path: &str) -> String {
    format!(
        "include!(concat!(env!(\"OUT_DIR\"), {:?}));",
        format!("/{path}")
    )
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
        Type::Int64 | Type::Int64Number => "i64".to_owned(),
        Type::Uint64 | Type::Uint64Number => "u64".to_owned(),
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

/// The type of an argument that becomes a value, and the expression that makes it one.
pub(super) fn argument(ty: &Type, module: &str, name: &str) -> (String, String) {
    match ty {
        Type::List(item) => (
            format!(
                "impl IntoIterator<Item = impl Into<{}>>",
                rust(item, module)
            ),
            format!("{name}.into_iter().map(Into::into).collect()"),
        ),
        Type::Map(item) => (
            format!(
                "impl IntoIterator<Item = (impl Into<String>, impl Into<{}>)>",
                rust(item, module)
            ),
            format!("{name}.into_iter().map(|(key, value)| (key.into(), value.into())).collect()"),
        ),
        _ => (
            format!("impl Into<{}>", rust(ty, module)),
            format!("{name}.into()"),
        ),
    }
}

/// Whether the type is a string with a pattern, which has no zero value.
pub(super) fn is_pattern(description: &Description, ty: &Type) -> bool {
    matches!(ty, Type::Ref(name) if description.schemas.get(name).is_some_and(|schema| matches!(schema.kind, SchemaKind::Pattern(_))))
}

#[cfg(test)]
mod tests {
    use super::doc;

    #[test]
    fn prose_is_filled_and_keeps_its_paragraphs_and_lists() {
        let mut out = String::new();
        doc(&mut out, "", "One\nline.\n\nTwo:\n- a <b>\n- c\n");
        assert_eq!(
            out,
            "/// One line.\n///\n/// Two:\n/// - a \\<b\\>\n/// - c\n"
        );
    }
}
