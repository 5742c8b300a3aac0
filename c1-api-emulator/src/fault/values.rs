//! Values that the description lacks, in a response.

use c1_api_spec::model::{Description, SchemaKind, Type};
use serde_json::{Value, json};

use super::effects::Effects;

/// The name of a field that no description has, and of an enum value.
const FIELD: &str = "c1EmulatorUnknownField";
const ENUM_VALUE: &str = "C1_EMULATOR_UNKNOWN_VALUE";

/// Adds unknown fields to all messages in the value, and replaces the values of all enums, as the effects say.
pub(super) fn change(description: &Description, ty: &Type, effects: &Effects, value: &mut Value) {
    match (ty, value) {
        (Type::List(inner), Value::Array(items)) => items
            .iter_mut()
            .for_each(|item| change(description, inner, effects, item)),
        (Type::Map(inner), Value::Object(entries)) => entries
            .values_mut()
            .for_each(|entry| change(description, inner, effects, entry)),
        (Type::Ref(name), value) => {
            match description.schemas.get(name).map(|schema| &schema.kind) {
                Some(SchemaKind::Enum(_)) if effects.unknown_enums && value.is_string() => {
                    *value = json!(ENUM_VALUE);
                }
                Some(SchemaKind::Message(message)) => {
                    let Some(object) = value.as_object_mut() else {
                        return;
                    };
                    for (name, value) in object.iter_mut() {
                        if let Some(field) = message.fields.get(name) {
                            change(description, &field.ty, effects, value);
                        }
                    }
                    if effects.unknown_fields {
                        object.insert(FIELD.to_owned(), json!({ "values": [1, "two", null] }));
                    }
                }
                _ => {}
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use c1_api_spec::model::Type;
    use serde_json::json;

    use super::{Effects, change};
    use crate::testing::description;

    #[test]
    fn all_messages_and_enums_change() {
        let page =
            || json!({ "list": [{ "color": "COLOR_RED", "children": [{ "color": null }] }] });
        let changed = |effects: &Effects| {
            let mut page = page();
            change(
                &description(),
                &Type::Ref("Page".to_owned()),
                effects,
                &mut page,
            );
            page
        };
        let enums = changed(&Effects {
            unknown_enums: true,
            ..Effects::default()
        });
        assert_eq!(
            enums,
            json!({ "list": [{ "color": "C1_EMULATOR_UNKNOWN_VALUE", "children": [{ "color": null }] }] })
        );
        let fields = changed(&Effects {
            unknown_fields: true,
            ..Effects::default()
        });
        let unknown = json!({ "values": [1, "two", null] });
        for message in ["", "/list/0", "/list/0/children/0"] {
            let field = format!("{message}/c1EmulatorUnknownField");
            assert_eq!(fields.pointer(&field), Some(&unknown), "{fields}");
        }
        assert_eq!(fields["list"][0]["color"], "COLOR_RED");
    }
}
