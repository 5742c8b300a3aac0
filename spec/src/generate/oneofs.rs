//! Oneof groups: the enum view of each, and the ways to read and to set it.

use super::enums::variant;
use super::text::{put, rust};
use super::types::Writer;
use crate::error::Result;
use crate::model::Type;
use crate::names::{identifier, pascal, snake};

impl Writer<'_> {
    /// An enum of the members of a group, and the methods of the message that read and set it.
    pub(super) fn oneof(&self, group: &str, members: &[String], out: &mut String) -> Result<()> {
        let name = self.name;
        let mut view = format!("{name}{}", pascal(group));
        if self.description.schemas.contains_key(&view) {
            view.push_str("Oneof");
        }
        let get = identifier(group);
        let stem = snake(group);
        for method in [
            format!("with_{stem}"),
            format!("into_{stem}"),
            format!("clear_{stem}"),
            get.clone(),
        ] {
            if self
                .message
                .fields
                .keys()
                .any(|wire| identifier(wire) == method)
            {
                return Err(self.clash(&method));
            }
        }

        let [mut variants, mut take, mut set, mut clear, mut show] = <[String; 5]>::default();
        for member in members {
            let field = &self.message.fields[member];
            let (ident, variant, ty) = (identifier(member), variant(member), rust(&field.ty, ""));
            let boxed = self.is_boxed(&field.ty);
            let value = if boxed { "*value" } else { "value" };
            put!(variants, "    /// `{member}`\n    {variant}({ty}),");
            if matches!(field.ty, Type::List(_) | Type::Map(_)) {
                put!(take, "        if !self.{ident}.is_empty() {{");
                put!(
                    take,
                    "            return Some({view}::{variant}(self.{ident}));\n        }}"
                );
            } else {
                put!(take, "        if let Some(value) = self.{ident} {{");
                put!(
                    take,
                    "            return Some({view}::{variant}({value}));\n        }}"
                );
            }
            let value = self.stored(field, "value");
            put!(
                set,
                "            Some({view}::{variant}(value)) => self.{ident} = {value},"
            );
            let shown = if field.sensitive {
                "wire::redact(value)"
            } else {
                "value"
            };
            put!(
                show,
                "            Self::{variant}(value) => f.debug_tuple({variant:?}).field(&{shown}).finish(),"
            );
            put!(clear, "        self.{ident} = wire::absent();");
        }
        let is_sensitive = members
            .iter()
            .any(|member| self.message.fields[member].sensitive);
        let (derive_debug, debug) = if is_sensitive {
            let debug = format!(
                "impl std::fmt::Debug for {view} {{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{
        match self {{
{show}        }}
    }}
}}
"
            );
            ("", debug)
        } else {
            (", Debug", String::new())
        };
        put!(
            out,
            "\
/// What the oneof `{group}` of [`{name}`] holds: at most one of its members.
#[derive(Clone{derive_debug}, PartialEq)]
#[non_exhaustive]
pub enum {view} {{
{variants}}}
{debug}impl {name} {{
    /// What the oneof `{group}` holds, as a copy. Of several members, which a newer server may
    /// send, the first in the order of the description.
    #[must_use]
    pub fn {get}(&self) -> Option<{view}> {{
        self.clone().into_{stem}()
    }}
    /// What the oneof `{group}` holds, taken out.
    #[must_use]
    pub fn into_{stem}(self) -> Option<{view}> {{
{take}        None
    }}
    /// Sets the oneof `{group}`: this member, and no other any more.
    #[must_use]
    pub fn with_{stem}(mut self, value: impl Into<Option<{view}>>) -> Self {{
        self.clear_{stem}();
        match value.into() {{
            None => {{}}
{set}        }}
        self
    }}
    fn clear_{stem}(&mut self) {{
{clear}    }}
}}"
        );
        Ok(())
    }
}
