//! Oneof groups: the enum view of each, and the methods that read and set it.
//!
//! A method with the name of the group sets it, as one with the name of a field sets that. `to_` and `into_` read it.

use super::messages::Writer;
use super::text::{put, rust};
use crate::model::Type;
use crate::names::identifier;
use crate::naming::OneofNames;

impl Writer<'_> {
    /// The names of a group.
    pub(super) fn names(&self, group: &str) -> OneofNames {
        self.description.oneof(self.name, group)
    }

    /// An enum of the members of a group, and the methods of the message that read and set it.
    pub(super) fn oneof(&self, group: &str, members: &[String], out: &mut String) {
        let name = self.name;
        let OneofNames { view, stem } = self.names(group);
        let set = identifier(&stem);

        let [mut variants, mut take, mut store, mut clear, mut show] = <[String; 5]>::default();
        for member in members {
            let field = &self.message.fields[member];
            let variant = self.description.variant(&view, member);
            let (ident, ty) = (self.ident(member), rust(&field.ty, ""));
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
