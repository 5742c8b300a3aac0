//! Every operation that has state, on objects that do not exist and on objects that do.

use std::sync::Arc;
use std::time::SystemTime;

use c1_api_spec::model::{Description, Operation, SchemaKind, Type};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::engine::text;
use super::members::Change;
use super::plan::{Action, Plan, Verb};
use super::row::Row;
use super::{State, rules};
use crate::check::{self, Direction};
use crate::sample::Sampler;

/// The value of each part of a key.
fn value_of(description: &Description, kind: &str, part: &str) -> Value {
    let field = description
        .message(kind)
        .and_then(|message| message.fields.get(part));
    let ty = field.map_or(&Type::String, |field| &field.ty);
    match ty {
        Type::Int32 | Type::Uint32 => json!(7),
        Type::Int64 | Type::Uint64 => json!("7"),
        Type::Ref(_) => Sampler::new(description, 1).value(ty, part),
        _ => json!("x"),
    }
}

/// Adds an object whose key is made of fixed values, and those that it belongs to.
fn ensure(state: &mut State, kind: &str) {
    let plan = Arc::clone(&state.plan);
    let Some(facts) = plan.kinds.get(kind) else {
        return;
    };
    for link in facts.owners.iter().filter(|link| link.kind != kind) {
        ensure(state, &link.kind);
    }
    let mut row = Row::default();
    for part in &facts.key {
        row.set(part, value_of(&state.description, kind, part));
    }
    let key: Vec<_> = facts.key.iter().map(|part| text(&row.0[part])).collect();
    if state.table(kind).get(&key).is_err() {
        state.table(kind).insert(&key, row).unwrap();
    }
}

/// The path parameters that identify the objects of [`ensure`].
fn path(
    description: &Description,
    action: &Action,
    operation: &Operation,
) -> Vec<(String, String)> {
    let parameters = operation.path_parameters.iter().map(|parameter| {
        let part = action.path.iter().find(|(name, _)| *name == parameter.name);
        let part = part.map(|(_, part)| part.as_str()).unwrap_or_default();
        let value = value_of(description, &action.kind, part);
        (parameter.name.clone(), text(&value))
    });
    parameters.collect()
}

/// A body with all fields, which identifies objects of [`ensure`].
fn body(description: &Description, action: &Action, operation: &Operation) -> Option<Value> {
    let schema = operation.body.as_ref()?.schema()?;
    if let Verb::List(_) = action.verb {
        return Some(json!({}));
    }
    let mut body = Sampler::new(description, 1).message(schema);
    let fields = body.as_object_mut().unwrap();
    fields.remove("updateMask");
    for (field, ..) in rules::copied(&action.kind) {
        fields.remove(*field);
    }
    for part in &action.given {
        fields.insert(part.clone(), value_of(description, &action.kind, part));
    }
    for value in fields.values_mut().filter_map(Value::as_object_mut) {
        for (part, id) in ["clientKey", "id"].map(|part| (part, json!("x"))) {
            if value.contains_key(part) {
                value.insert(part.to_owned(), id);
            }
        }
    }
    match &action.verb {
        Verb::CreateEach(field, _)
        | Verb::DeleteEach(field, _)
        | Verb::Members(_, Change::Set(field)) => {
            fields.insert(field.clone(), json!(["x"]));
        }
        Verb::Members(..) => {
            for (name, value) in fields.iter_mut() {
                *value = if name.ends_with("Ids") {
                    json!(["x"])
                } else {
                    json!("x")
                };
            }
        }
        Verb::Replace(replacements) => {
            for one in replacements {
                let element = one
                    .element
                    .iter()
                    .map(|(field, _)| (field.clone(), json!("x")));
                fields.insert(one.field.clone(), json!([element.collect::<Map<_, _>>()]));
                for part in &one.given {
                    fields.insert(part.clone(), json!("x"));
                }
            }
        }
        _ => {}
    }
    Some(body)
}

fn query(
    description: &Description,
    action: &Action,
    operation: &Operation,
) -> Vec<(String, String)> {
    let parameters = operation.query_parameters.iter().filter_map(|parameter| {
        let mut given = action.given.iter();
        let part = given.find(|part| c1_api_spec::names::snake(part) == parameter.name)?;
        Some((
            parameter.name.clone(),
            text(&value_of(description, &action.kind, part)),
        ))
    });
    parameters.collect()
}

#[test]
fn every_operation_works_on_objects_that_exist_and_on_no_others() {
    let description = crate::default_description().unwrap();
    let plan = crate::default_plan().unwrap();
    let (mut found, mut missing) = (0, 0);
    for operation in &description.operations {
        let id = operation.id();
        let Some(action) = plan.action(&id) else {
            continue;
        };
        // Those by hand have tests of their own.
        if plan.handler(&operation.id()).is_some() {
            continue;
        }
        let mut state = State::new(Arc::clone(&description), Arc::clone(&plan), 0);
        let (path, query) = (
            path(&description, action, operation),
            query(&description, action, operation),
        );
        let body = body(&description, action, operation);
        let call = Call::new(
            operation,
            &path,
            &query,
            body.as_ref(),
            SystemTime::UNIX_EPOCH,
        );

        let needs_object = matches!(
            action.verb,
            Verb::Get | Verb::Update | Verb::Delete | Verb::DeleteEach(..)
        );
        let response = state.handle(&call).unwrap();
        if needs_object || !action.parents.is_empty() {
            let status = response.expect_err(&id);
            assert_eq!(status.http.as_u16(), 404, "{id}: {status}");
            missing += 1;
        }

        let mut state = State::new(Arc::clone(&description), Arc::clone(&plan), 0);
        for (kind, _) in &action.parents {
            ensure(&mut state, kind);
        }
        let creates = matches!(action.verb, Verb::Create | Verb::CreateEach(..));
        let facts = &plan.kinds[&action.kind];
        for link in &facts.owners {
            ensure(&mut state, &link.kind);
        }
        if !creates {
            ensure(&mut state, &action.kind);
            // What a path selects by need not be part of the key.
            let key: Vec<_> = facts
                .key
                .iter()
                .map(|part| text(&value_of(&description, &action.kind, part)))
                .collect();
            let mut row = state.table(&action.kind).get(&key).unwrap().clone();
            for (_, part) in &action.path {
                row.set(part, value_of(&description, &action.kind, part));
            }
            state.table(&action.kind).put(&key, row).unwrap();
        }
        match &action.verb {
            Verb::Members(members, Change::Remove(_)) => ensure(&mut state, &members.name),
            Verb::Replace(replacements) => {
                for one in replacements {
                    ensure(&mut state, &one.kind);
                }
            }
            _ => {}
        }
        let response = state
            .handle(&call)
            .unwrap()
            .unwrap_or_else(|status| panic!("{id}: {status}"));
        let checked = check::value(
            &description,
            operation.response.schema().unwrap(),
            &response,
            Direction::Response,
        );
        assert_eq!(checked, Ok(()), "{id}: {response}");
        found += 1;
    }
    println!("{found} operations have state; {missing} need an object that exists");
    assert!(found > missing && missing > 0, "{found} {missing}");
}

#[test]
fn what_belongs_to_an_object_goes_with_it() {
    let description = crate::default_description().unwrap();
    let plan = crate::default_plan().unwrap();
    for (kind, facts) in &plan.kinds {
        for link in facts.owners.iter().filter(|link| link.kind != *kind) {
            let mut state = State::new(Arc::clone(&description), Arc::clone(&plan), 0);
            ensure(&mut state, kind);
            let key = plan.kinds[&link.kind].key.iter();
            let key = key.map(|part| {
                (
                    part.clone(),
                    text(&value_of(&description, &link.kind, part)),
                )
            });
            let key: Vec<_> = key.collect();
            let row = state.find(&link.kind, &key).unwrap().clone();
            state.remove(&link.kind, &row, "");
            assert_eq!(
                state.table(kind).rows().count(),
                0,
                "{kind} without {}",
                link.kind
            );
        }
    }
}

#[test]
fn seed_data_is_left_out_where_a_description_lacks_its_fields() {
    let description = crate::default_description().unwrap();
    let seeded = |description: Description| {
        let plan = Arc::new(Plan::new(&description));
        let mut state = State::new(Arc::new(description), plan, 0);
        state.seed(SystemTime::UNIX_EPOCH).unwrap();
        state
    };
    let all = seeded(Description::clone(&description));
    let kinds: Vec<_> = all
        .tables
        .keys()
        .filter(|kind| description.message(kind).is_some())
        .collect();
    assert!(kinds.len() > 10, "{kinds:?}");
    for kind in kinds {
        for lacking in ["", "id"] {
            let mut other = Description::clone(&description);
            let Some(SchemaKind::Message(message)) =
                other.schemas.get_mut(kind).map(|schema| &mut schema.kind)
            else {
                continue;
            };
            // Without a name, all fields.
            message
                .fields
                .retain(|name, _| !lacking.is_empty() && name != lacking);
            let state = seeded(other);
            assert!(
                state.all("User").count() > 0 || kind == "User",
                "{kind}.{lacking}"
            );
        }
    }
}

#[test]
fn objects_of_every_kind_are_the_same_after_a_snapshot() {
    let description = crate::default_description().unwrap();
    let plan = crate::default_plan().unwrap();
    let mut state = State::new(Arc::clone(&description), Arc::clone(&plan), 1);
    state.seed(SystemTime::UNIX_EPOCH).unwrap();
    for kind in plan.kinds.keys() {
        ensure(&mut state, kind);
    }
    let snapshot = state.snapshot();
    let tables = snapshot["tables"].as_object().unwrap();
    let full = |kind: &&String| !tables[*kind]["rows"].as_object().unwrap().is_empty();
    assert_eq!(
        plan.kinds.keys().filter(full).count(),
        plan.kinds.len(),
        "a kind without an object"
    );
    let text = snapshot.to_string();
    let mut second = State::new(description, plan, 2);
    second
        .restore(&serde_json::from_str(&text).unwrap())
        .unwrap();
    assert_eq!(second.snapshot().to_string(), text);
    assert_eq!(second.ids.id(), state.ids.id());
}
