//! Oneof groups: the enum view of each, and the methods that read and set it.
//!
//! A method with the name of the group sets it, as one with the name of a field sets that. `to_` and `into_` read it.

use super::enums;
use super::messages::{METHODS, Writer};
use super::text::{put, rust};
use crate::model::Type;
use crate::names::{self, identifier, pascal, snake};

/// The methods of a group that has the stem.
pub(super) fn methods(stem: &str) -> [String; 4] {
    ["to_", "into_", "clear_", ""].map(|prefix| format!("{prefix}{stem}"))
}

impl Writer<'_> {
    /// What the methods of a group are named after: the group, or where one would be called as a setter of a field,
    /// the group and `oneof`. A setter that would be called as one of those even so has to step back.
    pub(super) fn stem(&self, group: &str) -> String {
        let short = snake(group);
        let methods = methods(&short);
        let mut fields = self.message.fields.keys().map(|wire| snake(wire));
        if fields.any(|field| methods.contains(&field)) || METHODS.contains(&short.as_str()) {
            short + "_oneof"
        } else {
            short
        }
    }

    /// An enum of the members of a group, and the methods of the message that read and set it.
    pub(super) fn oneof(&self, group: &str, members: &[String], out: &mut String) {
        let name = self.name;
        let mut view = format!("{name}{}", pascal(group));
        while self.description.schemas.contains_key(&view) || names::is_prelude(&view) {
            view.push_str("Oneof");
        }
        let stem = self.stem(group);
        let set = identifier(&stem);

        let [mut variants, mut take, mut store, mut clear, mut show] = <[String; 5]>::default();
        let names = enums::variants(members.iter().map(String::as_str));
        for (member, variant) in members.iter().zip(names) {
            let field = &self.message.fields[member];
            let (ident, ty) = (identifier(member), rust(&field.ty, ""));
            let boxed = self.is_boxed(&field.ty);
            let value = if boxed { "*value" } else { "value" };
            put!(variants, "    {variant}({ty}),");
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
                store,
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
                "
impl std::fmt::Debug for {view} {{
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
            "
/// The oneof `{group}` of [`{name}`]: at most one of its members is set.
#[derive(Clone{derive_debug}, PartialEq)]
#[non_exhaustive]
pub enum {view} {{
{variants}}}
{debug}
impl {name} {{
    /// A copy of the member that is set. Of several, which a newer server may send, the first in the order of the
    /// description.
    #[must_use]
    pub fn to_{stem}(&self) -> Option<{view}> {{
        self.clone().into_{stem}()
    }}

    /// The member that is set, as [`Self::to_{stem}`] has it.
    #[must_use]
    pub fn into_{stem}(self) -> Option<{view}> {{
{take}        None
    }}

    /// Sets this member and clears the others.
    #[must_use]
    pub fn {set}(mut self, value: impl Into<Option<{view}>>) -> Self {{
        self.clear_{stem}();
        match value.into() {{
            None => {{}}
{store}        }}
        self
    }}

    fn clear_{stem}(&mut self) {{
{clear}    }}
}}"
        );
    }
}
