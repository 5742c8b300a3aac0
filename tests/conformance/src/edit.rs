//! Changes in JSON, place by place, with the type of each place at hand.

use c1_api_spec::Description;
use c1_api_spec::model::{SchemaKind, Type};
use serde_json::Value;

/// Gives every place of `json`, the innermost first, to `edit`, which returns what is to stand
/// there. Places of unknown names are left alone, and so are those within free-form values.
pub fn everywhere(
    description: &Description,
    ty: &Type,
    json: Value,
    edit: &mut dyn FnMut(&Type, Value) -> Value,
) -> Value {
    let json = match (ty, json) {
        (Type::List(inner), Value::Array(list)) => list
            .into_iter()
            .map(|element| everywhere(description, inner, element, edit))
            .collect(),
        (Type::Map(inner), Value::Object(mut map)) => {
            for entry in map.values_mut() {
                *entry = everywhere(description, inner, entry.take(), edit);
            }
            Value::Object(map)
        }
        (Type::Ref(name), Value::Object(mut object)) => {
            let message = description.message(name);
            for (name, value) in &mut object {
                if let Some(field) = message.and_then(|message| message.fields.get(name)) {
                    *value = everywhere(description, &field.ty, value.take(), edit);
                }
            }
            Value::Object(object)
        }
        (_, json) => json,
    };
    edit(ty, json)
}

/// Whether the type is an enum.
pub fn is_enum(description: &Description, ty: &Type) -> bool {
    let Type::Ref(name) = ty else { return false };
    let schema = description.schemas.get(name);
    schema.is_some_and(|schema| matches!(schema.kind, SchemaKind::Enum(_)))
}
