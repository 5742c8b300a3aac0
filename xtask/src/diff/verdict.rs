//! Which change breaks which name of the generated crate, and which part of the version moves.

use std::collections::BTreeMap;

use c1_api_spec::Description;
use c1_api_spec::model::Operation;
use c1_api_spec::names::{identifier, pascal, snake};

use super::breaks::breaks;
use super::change::{Break, Change, Harm, Kind, Subject, Verdict, What};
use super::pairs::Pairs;
use super::surface::{Item, Member, Surface};

/// A description and the crate that is generated from it.
pub(crate) struct Side {
    pub(crate) description: Description,
    pub(crate) surface: Surface,
}

/// The part of a version that has to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    None,
    Patch,
    Minor,
    Major,
}

impl Part {
    /// By Cargo's rules: up to 1.0, a break moves the second number, and all else the third.
    pub(crate) fn of(version: &str, changes: &[Change]) -> Self {
        let breaks = changes
            .iter()
            .any(|change| change.verdict() != Verdict::Compatible);
        let adds = changes.iter().any(|change| change.what == What::Added);
        let is_stable = !version.starts_with("0.");
        match (breaks, is_stable) {
            _ if changes.is_empty() => Self::None,
            (true, true) => Self::Major,
            (true, false) => Self::Minor,
            (false, true) if adds => Self::Minor,
            (false, _) => Self::Patch,
        }
    }

    /// As in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }

    /// The version with this part moved.
    pub(crate) fn next(self, version: &str) -> String {
        let mut numbers: Vec<u64> = version
            .split('.')
            .map(|number| number.parse().unwrap_or_default())
            .collect();
        numbers.resize(3, 0);
        let moved = match self {
            Self::None => return version.to_owned(),
            Self::Major => 0,
            Self::Minor => 1,
            Self::Patch => 2,
        };
        numbers[moved] += 1;
        numbers[moved + 1..].fill(0);
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        numbers.join(".")
    }
}

/// Gives each break to the change that explains it, and adds a change of its own for each that none explains.
pub(crate) fn judge(old: &Side, new: &Side, pairs: &Pairs, changes: &mut Vec<Change>) {
    lost_features(changes);
    for found in breaks(&old.surface, &new.surface, &renames(old, new, pairs)) {
        // What is only new belongs to nothing in the old description.
        let is_old = old.surface.items.contains_key(&found.item);
        let side = if is_old { old } else { new };
        let subject = subject(&found.item, side, new);
        let mut why: Vec<_> = changes
            .iter_mut()
            .filter(|change| explains(change, &subject, &found))
            .collect();
        // A oneof that is gone says it for its members.
        if subject.kind == Kind::Oneof && why.iter().any(|change| change.subject == subject) {
            why.retain(|change| change.subject == subject);
        }
        for change in &mut why {
            change.breaks.push(found.clone());
        }
        if why.is_empty() {
            changes.push(unexplained(subject, found));
        }
    }
    for change in changes {
        change
            .breaks
            .sort_by(|one, other| (one.item.is_raw(), one).cmp(&(other.item.is_raw(), other)));
    }
}

/// A change of its own, for what only follows from others.
fn unexplained(subject: Subject, found: Break) -> Change {
    let mut change = Change::new(subject, What::Rust);
    if let (Member::Field(from) | Member::Variant(from), Harm::Renamed(to)) =
        (&found.item.member, &found.harm)
    {
        change.what = What::Renamed;
        change.from = Some(from.clone());
        change.to = to.rsplit(['.', ':']).next().map(str::to_owned);
    }
    change.breaks.push(found);
    change
}

/// A type that is still there, but no longer with a feature that brought it, is gone for those who use that feature alone;
/// so are the constructor and the setters of what is no longer sent.
fn lost_features(changes: &mut [Change]) {
    for change in changes {
        if change.what == What::Features {
            let name = &change.subject.name;
            let item = Item {
                owner: format!("types::{name}"),
                member: Member::Itself,
            };
            let lost = change.to.clone().unwrap_or_default();
            change.breaks.push(Break {
                item,
                harm: Harm::Features(lost),
            });
        }
    }
}

/// The Rust names of types that are the same, the views of their oneofs among them, old to new.
fn renames(old: &Side, new: &Side, pairs: &Pairs) -> BTreeMap<String, String> {
    let mut renames = BTreeMap::new();
    for (name, other) in pairs.renames() {
        renames.insert(name.to_owned(), other.to_owned());
        let [name, other] = [name, other].map(|name| format!("types::{name}"));
        let there: BTreeMap<_, _> = new.surface.views(&other).collect();
        for (stem, view) in old.surface.views(&name) {
            if let Some(now) = there.get(stem) {
                let [view, now] = [view, now].map(|path| path.trim_start_matches("types::"));
                renames.insert(view.to_owned(), now.to_owned());
            }
        }
    }
    renames
}

/// What of the document a name of the generated crate stands for.
fn subject(item: &Item, side: &Side, new: &Side) -> Subject {
    let surface = &side.surface;
    if let Some(path) = item.owner.strip_prefix("types::") {
        return match surface.view(&item.owner) {
            Some((message, stem)) => oneof(side, message.trim_start_matches("types::"), stem),
            None => of_type(item, path, side, new),
        };
    }
    if let Some(id) = surface.operation(item) {
        return match &item.member {
            Member::Method(name) | Member::Field(name) if is_there(&item.owner, new) => {
                parameter(side, id, name)
            }
            _ => Subject::new(Kind::Operation, id),
        };
    }
    if item.is_raw() {
        let operations = &side.description.operations;
        if let Member::Method(name) = &item.member {
            let is_it = |operation: &&Operation| operation.raw_id() == *name;
            if let Some(operation) = operations.iter().find(is_it) {
                return Subject::new(Kind::Operation, &operation.id());
            }
        }
        let name = item.owner.rsplit("::").next().unwrap_or_default();
        let schemas = side.description.schemas.keys();
        if let Some(schema) = schemas.into_iter().find(|schema| pascal(schema) == name) {
            return Subject::new(Kind::Schema, schema);
        }
        return Subject::new(Kind::Document, "raw");
    }
    let module = match &item.member {
        Member::Method(name) if item.owner == "Client" => name,
        _ => item.owner.split("::").next().unwrap_or_default(),
    };
    let groups = side.description.groups();
    let group = groups.into_iter().find(|group| identifier(group) == module);
    match group {
        Some(group) => Subject::new(Kind::Group, group),
        None => Subject::new(Kind::Document, &item.owner),
    }
}

fn is_there(owner: &str, side: &Side) -> bool {
    let item = Item {
        owner: owner.to_owned(),
        member: Member::Itself,
    };
    side.surface.items.contains_key(&item)
}

/// What a name of a message or an enum stands for.
fn of_type(item: &Item, name: &str, side: &Side, new: &Side) -> Subject {
    let schema = Subject::new(Kind::Schema, name);
    // With a type, all that it has is gone.
    if !is_there(&item.owner, new) {
        return schema;
    }
    let field = |ident: &str| {
        let item = Item {
            owner: item.owner.clone(),
            member: Member::Field(ident.to_owned()),
        };
        let wire = side.surface.wire(&item)?;
        Some(Subject::inside(Kind::Field, name, wire))
    };
    match &item.member {
        Member::Field(ident) => field(ident).unwrap_or(schema),
        Member::Variant(_) => match side.surface.wire(item) {
            Some(wire) => Subject::inside(Kind::Value, name, wire),
            None => schema,
        },
        Member::Method(method) => {
            // A setter has the name of its field, or that and an underscore.
            let of_field = field(method).or_else(|| field(method.trim_end_matches('_')));
            let of_oneof = || {
                let views = side.surface.views(&item.owner);
                let stems: Vec<_> = views.map(|(stem, _)| stem).collect();
                let stem = stems.into_iter().find(|stem| {
                    let method = method.trim_start_matches("r#");
                    method == *stem
                        || method.strip_prefix("to_") == Some(stem)
                        || method.strip_prefix("into_") == Some(stem)
                })?;
                Some(oneof(side, name, stem))
            };
            of_field.or_else(of_oneof).unwrap_or(schema)
        }
        Member::Constant(name) => {
            // The field in capitals.
            let ident = name.to_lowercase();
            let of_field = field(&ident).or_else(|| field(&format!("r#{ident}")));
            of_field.unwrap_or(schema)
        }
        Member::Itself | Member::Trait(_) => schema,
    }
}

/// The oneof whose methods are named after the stem.
fn oneof(side: &Side, message: &str, stem: &str) -> Subject {
    let oneofs = side
        .description
        .message(message)
        .map(|message| &message.oneofs);
    let mut names = oneofs.into_iter().flat_map(|oneofs| oneofs.keys());
    let is_it = |name: &&String| {
        let name = snake(name);
        stem == name || stem.strip_suffix("_oneof") == Some(&name)
    };
    match names.find(is_it) {
        Some(name) => Subject::inside(Kind::Oneof, message, name),
        None => Subject::new(Kind::Schema, message),
    }
}

/// The parameter that a setter or a field of a path struct is for; the operation where it is for none.
fn parameter(side: &Side, id: &str, name: &str) -> Subject {
    let operation = side.description.operation(id);
    let parameters = operation.into_iter().flat_map(Operation::parameters);
    let name = name.trim_start_matches("r#");
    let mut candidates: Vec<_> = parameters
        .map(|parameter| (snake(&parameter.name), &parameter.name))
        .filter(|(ident, _)| {
            let rest = name.strip_prefix(ident.as_str());
            rest.is_some_and(|rest| matches!(rest, "" | "_" | "_query"))
        })
        .collect();
    // Of `id` and `id_query`, the longer one is meant.
    candidates.sort_by_key(|(ident, _)| ident.len());
    match candidates.last() {
        Some((_, wire)) => Subject::inside(Kind::Parameter, id, wire),
        None => Subject::new(Kind::Operation, id),
    }
}

/// Whether a change is why something broke.
fn explains(change: &Change, subject: &Subject, found: &Break) -> bool {
    if !change.what.shapes_rust() || change.what == What::Features {
        return false;
    }
    let of = &change.subject;
    let is_whole = matches!(change.what, What::Removed | What::Renamed);
    if of == subject {
        let member = &found.item.member;
        let is_method = matches!(member, Member::Method(_));
        let is_send = matches!(member, Member::Method(name) if name == "send");
        return match (of.kind, change.what) {
            // What a message requires is told by its fields.
            (Kind::Schema, What::Order | What::Request) => is_method,
            (Kind::Operation, What::Response) => is_send || !is_method || found.item.is_raw(),
            (Kind::Operation, What::Body | What::Order) => is_method && !is_send,
            (Kind::Operation, What::Moved) => false,
            (Kind::Field, What::Nullable | What::Sensitive) => !is_method,
            _ => true,
        };
    }
    match (of.kind, subject.kind) {
        // The arguments of a method that starts an operation, and its path struct.
        (Kind::Parameter, Kind::Operation) => {
            let shapes_method = match &found.item.member {
                Member::Method(name) => name != "send",
                Member::Itself => true,
                _ => false,
            };
            let state = change
                .from
                .as_deref()
                .or(change.to.as_deref())
                .unwrap_or_default();
            let by_position = change.what == What::Required
                || state.ends_with("in the path")
                || state.ends_with("required");
            of.of == subject.name && shapes_method && (by_position || found.item.is_raw())
        }
        // The constructor and `Default`.
        (Kind::Field, Kind::Schema) => {
            let was_required = change
                .from
                .as_deref()
                .is_some_and(|from| from.ends_with("required"));
            let is_required = change
                .to
                .as_deref()
                .is_some_and(|to| to.ends_with("required"));
            let shapes_new = change.what == What::Required
                || change.what == What::Retyped
                || was_required
                || is_required;
            let makes = matches!(&found.item.member, Member::Method(name) | Member::Trait(name)
                if name == "new" || name == "Default");
            of.of == subject.name && makes && shapes_new
        }
        // What went with the message, the enum, the group or the operation.
        (Kind::Schema, Kind::Field | Kind::Value | Kind::Oneof) => {
            of.name == subject.of
                && (is_whole
                    || change.what == What::Request
                        && matches!(found.item.member, Member::Method(_)))
        }
        (Kind::Operation, Kind::Parameter) => {
            of.name == subject.of && (is_whole || change.what == What::Order)
        }
        (Kind::Field, Kind::Oneof) => {
            let shapes_view = is_whole || matches!(change.what, What::Retyped | What::Oneof);
            of.of == subject.of && shapes_view
        }
        (Kind::Oneof, Kind::Field) => of.of == subject.of && is_whole,
        _ => false,
    }
}
