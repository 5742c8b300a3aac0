//! Filters of lists and searches: which parts of the objects each parameter means, from its name and type.

use c1_api_spec::model::{Description, Message, Operation, Type};
use chrono::DateTime;
use indexmap::IndexMap;
use serde_json::Value;

use super::history;
use super::kind::{Kind, is_scalar};
use super::messages;
use super::names::{camel, ends_with, singular, words};
use super::row::Row;
use super::rules;

/// What a parameter of a list or search selects.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    /// Not a filter: paging, expansion, order, or what else the response contains.
    Other,
    /// Text that one of the text fields contains.
    Query(Vec<String>),
    /// Values, one of which one of the fields has; or none of them.
    Values { fields: Vec<String>, exclude: bool },
    /// References: an object has all values of one of them; or of none of them.
    References {
        /// Each field of a reference, and the fields of the object that it may be in.
        fields: Vec<(String, Vec<String>)>,
        exclude: bool,
    },
    /// The earliest or the latest time in the field.
    Time { field: String, after: bool },
    /// The emulator does not know what it means.
    Unknown,
}

impl Filter {
    /// The filters of the operation by the names of its parameters and of the fields of its body.
    pub(super) fn all(
        description: &Description,
        kinds: &IndexMap<String, Kind>,
        kind: &str,
        operation: &Operation,
    ) -> Vec<(String, Self)> {
        let recorded = history::recorded(description, kind);
        let kind = recorded.unwrap_or(kind);
        let Some(message) = description.message(kind) else {
            return Vec::new();
        };
        let rules = rules::filters(kind);
        let reader = Reader {
            rules,
            description,
            kinds,
            kind: words(kind),
            message,
            key: kinds.get(kind).map_or(&[], |kind| &kind.key),
        };
        let query = operation.query_parameters.iter();
        let query = query.map(|parameter| (&parameter.name, &parameter.ty));
        let body = messages::request(description, operation);
        let body = body.into_iter().flat_map(|body| &body.fields);
        let body = body.map(|(name, field)| (name, &field.ty));
        let all = query
            .chain(body)
            .map(|(name, ty)| (name.clone(), reader.read(name, ty)));
        let all = all.filter(|(_, filter)| *filter != Self::Other);
        let key = kinds.get(kind).map_or(&[][..], |kind| &kind.key);
        all.map(|(name, filter)| match filter {
            filter if recorded.is_none() => (name, filter),
            // Of the object, entries tell only what identifies it.
            Self::Values { fields, exclude } if fields.iter().all(|field| key.contains(field)) => {
                let fields = fields.iter().map(|field| history::part(field)).collect();
                (name, Self::Values { fields, exclude })
            }
            _ => (name, Self::Unknown),
        })
        .collect()
    }

    /// Whether the object passes the filter with a value that is not empty.
    pub(super) fn passes(&self, row: &Row, value: &Value) -> bool {
        match self {
            Self::Other | Self::Unknown => true,
            Self::Query(fields) => {
                let fields: Vec<_> = fields.iter().map(String::as_str).collect();
                row.matches_query(value.as_str().unwrap_or_default(), &fields)
            }
            Self::Values { fields, exclude } => {
                let mut values = elements(value);
                values.any(|value| fields.iter().any(|field| row.has(field, value))) != *exclude
            }
            Self::References { fields, exclude } => {
                let matches = |reference: &Value| {
                    let set = fields.iter().filter_map(|(name, parts)| {
                        Some((reference.get(name).filter(|value| !is_empty(value))?, parts))
                    });
                    let mut set = set.peekable();
                    set.peek().is_some()
                        && set.all(|(value, parts)| parts.iter().any(|part| row.has(part, value)))
                };
                elements(value).any(matches) != *exclude
            }
            Self::Time { field, after } => {
                let time = |text: &str| DateTime::parse_from_rfc3339(text).ok();
                let (limit, value) = (value.as_str().and_then(time), time(row.text(field)));
                match (limit, value) {
                    (Some(limit), Some(value)) if *after => value >= limit,
                    (Some(limit), Some(value)) => value < limit,
                    (_, value) => value.is_some(),
                }
            }
        }
    }
}

/// Whether the value of a filter is the one it has when it is not set.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text.ends_with("_UNSPECIFIED"),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
    }
}

/// The elements of a list, or the value itself.
fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    let (list, single) = match value {
        Value::Array(items) => (items.as_slice(), None),
        value => (&[][..], Some(value)),
    };
    list.iter().chain(single)
}

struct Reader<'a> {
    rules: &'static [(&'static str, &'static [&'static str])],
    description: &'a Description,
    kinds: &'a IndexMap<String, Kind>,
    kind: Vec<String>,
    message: &'a Message,
    key: &'a [String],
}

impl Reader<'_> {
    fn read(&self, name: &str, ty: &Type) -> Filter {
        let rule = self.rules.iter().find(|(known, _)| *known == name);
        if let Some((_, fields)) = rule {
            let fields = fields.iter().map(|field| (*field).to_owned()).collect();
            return Filter::Values {
                fields,
                exclude: false,
            };
        }
        let mut name = words(name);
        if self.is_other(&name, ty) {
            return Filter::Other;
        }
        if name == ["query"] {
            return Filter::Query(self.texts());
        }
        if let Some(filter) = self.time(&name, ty) {
            return filter;
        }
        let exclude = name.len() > 1 && matches!(name[0].as_str(), "exclude" | "excluded");
        if exclude {
            name.remove(0);
        }
        if name.len() > 1 && name.last().is_some_and(|last| last == "filter") {
            name.pop();
        }
        let element = match ty {
            Type::List(element) => element,
            ty => ty,
        };
        let message = match element {
            Type::Ref(element) => self.description.message(element),
            _ => None,
        };
        if let Some(reference) = message {
            return self.references(&name, reference, exclude);
        }
        let fields = self.fields(&name);
        if fields.is_empty() {
            return Filter::Unknown;
        }
        Filter::Values { fields, exclude }
    }

    /// Paging, expansion, order, additions to the response, and objects that the emulator does not keep.
    fn is_other(&self, name: &[String], ty: &Type) -> bool {
        let first = name.first().map(String::as_str);
        let own = self.message.fields.contains_key(&camel(name));
        let known = matches!(first, Some("page" | "expand" | "include" | "sort")) && !own;
        let orders = name.last().is_some_and(|last| last == "direction") && !own;
        let deleted = first == Some("exclude") && name.iter().any(|word| word == "deleted");
        let facets = first == Some("facet") && matches!(ty, Type::Bool);
        known || orders || deleted || facets
    }

    /// Whether there are objects of this name.
    fn is_kind(&self, stem: &[String]) -> bool {
        self.kinds.values().any(|kind| kind.is_named(stem))
    }

    /// The fields with text for people.
    fn texts(&self) -> Vec<String> {
        let fields = self.message.fields.iter();
        let fields = fields.filter(|(name, field)| {
            let id = words(name).last().is_some_and(|last| last == "id");
            field.ty == Type::String && !id
        });
        fields.map(|(name, _)| name.clone()).collect()
    }

    fn time(&self, name: &[String], ty: &Type) -> Option<Filter> {
        if *ty != Type::Timestamp {
            return None;
        }
        let (last, stem) = name.split_last()?;
        let after = match last.as_str() {
            "after" | "since" => true,
            "before" | "until" => false,
            _ => return None,
        };
        let field = match stem {
            [] => "createdAt".to_owned(),
            stem => camel(&[stem, &["at".to_owned()]].concat()),
        };
        let known = self.message.fields.get(&field)?.ty == Type::Timestamp;
        known.then_some(Filter::Time { field, after })
    }

    /// References to objects of the kind itself (`refs`), or to those that it refers to (`userRefs`, `users`).
    fn references(&self, name: &[String], reference: &Message, exclude: bool) -> Filter {
        let mut stem = name.to_vec();
        if matches!(stem.last().map(String::as_str), Some("ref" | "refs")) {
            stem.pop();
        } else if let Some(last) = stem.last_mut() {
            *last = singular(last);
        }
        let own = self.kind.ends_with(&stem);
        let fields = reference.fields.keys().map(|field| {
            let parts = if own {
                let known = self.message.fields.contains_key(field);
                let key = self.key.last().cloned();
                if known {
                    vec![field.clone()]
                } else {
                    key.filter(|_| field == "id").into_iter().collect()
                }
            } else if field == "id" {
                self.fields(&[stem.as_slice(), &["id".to_owned()]].concat())
            } else {
                self.fields(&words(field))
            };
            (field.clone(), parts)
        });
        let fields: Vec<_> = fields.collect();
        if fields.iter().any(|(_, parts)| parts.is_empty()) {
            return Filter::Unknown;
        }
        Filter::References { fields, exclude }
    }

    /// The fields that a filter's name means: `appIds` and `ids` are the id of an app, and of other
    /// objects the field `appId`; `policyIds` is each field that ends with `PolicyId`.
    fn fields(&self, name: &[String]) -> Vec<String> {
        let has = |name: &str| {
            let ty = self.message.fields.get(name).map(|field| &field.ty);
            ty.is_some_and(|ty| match ty {
                Type::List(element) => is_scalar(self.description, element),
                ty => is_scalar(self.description, ty),
            })
        };
        let mut one = name.to_vec();
        if let Some(last) = one.last_mut() {
            *last = singular(last);
        }
        let (last, stem) = (
            one.last().cloned().unwrap_or_default(),
            &one[..one.len() - 1],
        );
        // `appIds` of an App, `userStatuses` of a User.
        let of_kind = stem == self.kind
            || !stem.is_empty() && self.kind.ends_with(stem) && !self.is_kind(stem);
        if of_kind && last == "id" && !has(&camel(&one)) {
            let key = self.key.last().cloned();
            return key.into_iter().collect();
        }
        let bare = match one.first().map(String::as_str) {
            Some("only" | "is" | "has") => &one[1..],
            _ => &one,
        };
        let is = |words: &[String]| camel(&[&["is".to_owned()], words].concat());
        let exact = [
            camel(name),
            camel(&one),
            camel(bare),
            is(bare),
            camel(&[one.as_slice(), &["id".to_owned()]].concat()),
        ];
        if let Some(found) = exact.into_iter().find(|name| has(name)) {
            return vec![found];
        }
        if of_kind && has(&last) {
            return vec![last];
        }
        if one.len() < 2 {
            return Vec::new();
        }
        let fields = self.message.fields.keys();
        fields
            .filter(|field| has(field) && ends_with(field, &one))
            .cloned()
            .collect()
    }
}
