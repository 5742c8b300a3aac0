//! Where an object is in a response: `{ app: App }`, `{ list: [AppView { app: App }] }`, or the response itself.

use c1_api_spec::model::{Description, Message, Operation, Safety, Type};

use super::messages;

/// The place of an object, or of a list of objects, in a message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// The message of the object.
    pub(super) kind: String,
    /// The field with the object; `None` if the message is the object.
    pub(super) field: Option<String>,
    /// Whether the field is a list.
    pub(super) many: bool,
    /// The message around the object, and its field with the object.
    pub(super) view: Option<(String, String)>,
}

impl Shape {
    /// All objects and lists of objects in the response. One that is called so, or has a token of the next
    /// page, is a message around them; any other is the object itself.
    pub(super) fn all(description: &Description, operation: &Operation) -> Vec<Self> {
        let (Some(name), Some(message)) = (
            operation.response.schema(),
            messages::response(description, operation),
        ) else {
            return Vec::new();
        };
        if !is_wrapper(name, message) {
            return Self::of(description, name, None, false)
                .into_iter()
                .collect();
        }
        let fields = message
            .fields
            .iter()
            .filter_map(|(field, facts)| match &facts.ty {
                Type::Ref(inner) => Self::of(description, inner, Some(field), false),
                Type::List(inner) => match inner.as_ref() {
                    Type::Ref(inner) => Self::of(description, inner, Some(field), true),
                    _ => None,
                },
                _ => None,
            });
        fields.collect()
    }

    fn of(description: &Description, name: &str, field: Option<&str>, many: bool) -> Option<Self> {
        description.message(name)?;
        let view = viewed(description, name);
        Some(Self {
            kind: view.as_ref().map_or(name, |(kind, _)| kind).to_owned(),
            field: field.map(str::to_owned),
            many,
            view: view.map(|(_, inner)| (name.to_owned(), inner)),
        })
    }

    /// The list in the response of an operation that only reads.
    pub(super) fn list(description: &Description, operation: &Operation) -> Option<Self> {
        if operation.safety != Safety::Safe {
            return None;
        }
        let shapes = Self::all(description, operation);
        let mut lists = shapes.iter().filter(|shape| shape.many);
        if let Some(page) = &operation.page {
            return lists
                .find(|shape| shape.field.as_ref() == Some(&page.items))
                .cloned();
        }
        match shapes.as_slice() {
            [list] if list.many => Some(list.clone()),
            _ => None,
        }
    }

    /// The single objects in the response.
    pub(super) fn singles(description: &Description, operation: &Operation) -> Vec<Self> {
        let mut shapes = Self::all(description, operation);
        shapes.retain(|shape| !shape.many);
        shapes
    }
}

fn is_wrapper(name: &str, message: &Message) -> bool {
    name.contains("Response") || message.fields.contains_key("nextPageToken")
}

/// The object in a view of it, and the field it is in: a message `FooView` with a field of type `Foo`.
fn viewed(description: &Description, name: &str) -> Option<(String, String)> {
    let kind = name.strip_suffix("View")?;
    let message = description.message(name)?;
    let mut fields = message.fields.iter();
    let (field, _) = fields.find(|(_, field)| field.ty == Type::Ref(kind.to_owned()))?;
    Some((kind.to_owned(), field.clone()))
}
