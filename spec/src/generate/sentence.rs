//! A sentence of English for each operation, from its name and its path: `apps.list` "Lists apps.",
//! `app_entitlements.list` "Lists the entitlements of an app."
//!
//! A name is a verb, what it handles, and what is said about that; where the thing is missing, it is what the group is
//! named after. The path says what the thing belongs to. Where the result is not good enough, the overlay has a better one.

use crate::model::{Operation, Safety};
use crate::names::capitalized;

/// The verbs that names begin with.
const VERBS: &str = "activate add approve assign cancel clear close comment confirm count create delete deny discover \
    ensure escalate execute find generate get import introspect invoke list mint parse pause process promote reassign \
    register remove reorder reset resolve restart resume resync retry revoke rollback rotate run save search set skip \
    submit sync terminate test trigger unassign update validate";

/// Words in front of a verb, and what they say of it.
const ADVERBS: &[(&str, &str)] = &[
    ("batch", " in one request"),
    ("bulk", " in one request"),
    ("force", " by force"),
    ("hard", " (a hard reset)"),
];

/// Words at the end of a group's name that do not belong to the thing.
const SUFFIXES: &str = "action actions admin management search service test v2";

/// Adjectives that stand alone in names; the group's thing follows.
const ADJECTIVES: &str = "delegated external internal";

/// Words that begin what is said about the thing: those before a thing with an article, and those before anything else.
const BEFORE_A_THING: &str = "as for from of on";
const BEFORE_OTHERS: &str = "by in now per to with without";

/// Words that are written in capitals.
const ACRONYMS: &str =
    "a2ui ai api aws cel dpop http iam id ip jwt llm mcp oidc saml scim ssf sso ui url xaa";

/// Nouns without a plural, which take "the".
const MASS: &str = "audit content data feedback governance graph history metadata ownership provenance state usage";

fn is_in(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}

fn words(name: &str) -> Vec<String> {
    name.split('_').map(str::to_owned).collect()
}

/// What the operation does.
pub(super) fn sentence(operation: &Operation) -> String {
    let name = operation.vendor_name.as_ref().unwrap_or(&operation.name);
    let mut rest = words(name);
    let adverb = ADVERBS.iter().find(|(word, _)| *word == rest[0]);
    let adverb = adverb.filter(|_| rest.len() > 1).map_or("", |(_, said)| {
        rest.remove(0);
        *said
    });
    let verb = if is_in(VERBS, &rest[0]) {
        rest.remove(0)
    } else if operation.safety == Safety::Safe {
        "get".to_owned()
    } else {
        "run".to_owned()
    };
    let is_list = is_in("list search", &verb);
    let begins_tail = |word: &String| is_in(BEFORE_A_THING, word) || is_in(BEFORE_OTHERS, word);
    let tail = rest.split_off(rest.iter().position(begins_tail).unwrap_or(rest.len()));

    let mut owners = owners(&operation.path);
    let mut noun = rest;
    let is_adjective = noun.last().is_some_and(|last| is_in(ADJECTIVES, last));
    // Kinds of owners, such as those that are entitlements, are not owners of such things.
    let is_kind = noun.last().is_some_and(|last| singular(last) == "owner");
    if noun.is_empty() || is_adjective {
        noun.extend(group_noun(operation, &owners, is_list));
    }
    // An id at the end is that of the thing itself, and elsewhere the last one often is, too.
    if operation.path.ends_with('}') && !is_list {
        owners.pop();
    }
    let last = singular(noun.last().map_or("", String::as_str));
    owners.retain(|owner| {
        let owner = owner.last().map_or("", String::as_str);
        !owner.is_empty() && owner != last && !tail.iter().any(|word| singular(word) == owner)
    });
    let owner = owners.pop().map(|mut owner| {
        // Of the `app_user_app` of an app user, only `app` is new.
        if let Some(at) = owner.iter().position(|word| *word == last)
            && owner.last().is_none_or(|kind| kind != "type")
        {
            owner.drain(..=at);
        }
        owner
    });
    if let Some(owner) = &owner
        && noun.len() > owner.len()
        && noun.starts_with(owner)
        && !is_kind
    {
        noun.drain(..owner.len());
    }

    let is_known =
        owner.is_some() || !is_list || !is_plural(noun.last().map_or("", String::as_str));
    let mut text = format!("{} {}", third_person(&verb), thing(&verb, &noun, is_known));
    if let Some(owner) = owner {
        let link = match &*verb {
            "add" | "assign" => "to",
            "remove" | "unassign" => "from",
            _ => "of",
        };
        text.extend([" ", link, " ", &thing("", &owner, false)]);
    }
    if let Some((first, rest)) = tail.split_first() {
        let rest = if is_in(BEFORE_A_THING, first) {
            thing("", rest, false)
        } else {
            spoken(rest)
        };
        text.extend([" ", first, " ", &rest]);
    }
    capitalized(text.trim_end()) + adverb + "."
}

/// The thing that a group is named after, in the number that fits the operation.
fn group_noun(operation: &Operation, owners: &[Vec<String>], is_list: bool) -> Vec<String> {
    if operation.name == "introspect" {
        return vec!["caller".to_owned()];
    }
    let mut noun = words(&operation.group);
    while noun.len() > 1 && noun.last().is_some_and(|word| is_in(SUFFIXES, word)) {
        noun.pop();
    }
    let Some(last) = noun.last_mut() else {
        return noun;
    };
    if last == "reporting" {
        "report".clone_into(last);
    }
    let one = singular(last);
    let has_id = owners.iter().any(|owner| owner.last() == Some(&one));
    let is_one = operation.path.ends_with('}') || has_id || operation.name.starts_with("create");
    if is_list {
        *last = plural(last);
    } else if is_one {
        *last = one;
    }
    noun
}

/// The things whose ids are in the path. A parameter that is called `id` is called after the segment in front of it. Those
/// that refer to something elsewhere say nothing of where the operation is, and are empty.
fn owners(path: &str) -> Vec<Vec<String>> {
    let mut owners = Vec::new();
    let mut before = "";
    for segment in path.split('/') {
        if let Some(name) = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            let stem = match name {
                "id" => before,
                name => name.strip_suffix("_id").unwrap_or(""),
            };
            let mut words: Vec<_> = stem.split(['_', '-']).map(str::to_owned).collect();
            if words
                .iter()
                .any(|word| matches!(&**word, "" | "ref" | "src" | "dst" | "slug"))
            {
                words.clear();
            }
            if let Some(last) = words.last_mut() {
                *last = singular(last);
            }
            owners.push(words);
        } else {
            before = segment;
        }
    }
    owners
}

/// A noun with its article. With "the" goes what is known from the context, or is only one.
fn thing(verb: &str, noun: &[String], is_known: bool) -> String {
    let (Some(first), Some(last)) = (noun.first(), noun.last()) else {
        return String::new();
    };
    let mut spoken = spoken(noun);
    if last == "cel" {
        spoken.push_str(" expression");
    }
    let letter_by_letter = is_in(ACRONYMS, first) && !is_in("saml scim", first);
    let begins = |letters: &str| first.starts_with(|c| letters.contains(c));
    if is_in("all my", first) || is_plural(last) && !is_known {
        spoken
    } else if is_plural(last)
        || is_in(MASS, last)
        || is_in("caller current latest", first)
        || is_in("list search", verb)
    {
        format!("the {spoken}")
    } else if letter_by_letter && begins("aefhilmnorsx")
        || !letter_by_letter && begins("aeio")
        || first.starts_with("un") && !first.starts_with("uni")
    {
        format!("an {spoken}")
    } else {
        format!("a {spoken}")
    }
}

/// Words as they are written in a sentence.
fn spoken(words: &[String]) -> String {
    let words = words.iter().map(|word| {
        let one = word.strip_suffix('s').unwrap_or(word);
        if is_in(ACRONYMS, word) {
            word.to_uppercase()
        } else if is_in(ACRONYMS, one) {
            one.to_uppercase() + "s"
        } else if word == "my" {
            "the caller's".to_owned()
        } else {
            word.clone()
        }
    });
    let text = words.collect::<Vec<_>>().join(" ");
    text.replace("sign in", "sign-in")
        .replace("step up", "step-up")
}

fn is_plural(word: &str) -> bool {
    word.ends_with('s')
        && !["ss", "us", "is", "aws"]
            .iter()
            .any(|end| word.ends_with(end))
}

fn singular(word: &str) -> String {
    if !is_plural(word) {
        word.to_owned()
    } else if let Some(stem) = word.strip_suffix("ies") {
        format!("{stem}y")
    } else if ["sses", "xes", "ches", "shes"]
        .iter()
        .any(|end| word.ends_with(end))
    {
        word[..word.len() - 2].to_owned()
    } else {
        word[..word.len() - 1].to_owned()
    }
}

fn plural(word: &str) -> String {
    if is_plural(word) || is_in(MASS, word) {
        word.to_owned()
    } else {
        third_person(word)
    }
}

/// The third person of a verb, which is formed as the plural of a noun is.
fn third_person(verb: &str) -> String {
    match verb.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if ["s", "x", "z", "ch", "sh"]
            .iter()
            .any(|end| verb.ends_with(end)) =>
        {
            format!("{verb}es")
        }
        _ if verb == "comment" => "comments on".to_owned(),
        _ if verb == "rollback" => "rolls back".to_owned(),
        _ => format!("{verb}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;
    use crate::model::{Method, Operation, Safety, Success};

    fn said(id: &str, path: &str) -> String {
        let (group, name) = id.split_once('.').unwrap();
        sentence(&Operation {
            group: group.to_owned(),
            name: name.to_owned(),
            vendor_name: None,
            rpc: None,
            method: Method::Get,
            safety: Safety::Safe,
            path: path.to_owned(),
            path_parameters: Vec::new(),
            header_parameters: Vec::new(),
            query_parameters: Vec::new(),
            body: None,
            response: Success {
                payload: None,
                statuses: Vec::new(),
                empty: Vec::new(),
            },
            page: None,
            stability: None,
            deprecated: false,
            doc: None,
        })
    }

    #[test]
    fn sentences() {
        for (id, path, expected) in [
            ("apps.list", "/apps", "Lists apps."),
            ("apps.get", "/apps/{id}", "Gets an app."),
            (
                "app_entitlements.list",
                "/apps/{app_id}/entitlements",
                "Lists the entitlements of an app.",
            ),
            (
                "app_entitlements.get",
                "/apps/{app_id}/entitlements/{id}",
                "Gets an entitlement of an app.",
            ),
            ("app_search.search", "/search/apps", "Searches apps."),
            (
                "app_owners.set",
                "/apps/{app_id}/owners",
                "Sets the owners of an app.",
            ),
            (
                "app_owners.add",
                "/apps/{app_id}/owners/{user_id}",
                "Adds an owner to an app.",
            ),
            (
                "task_actions.deny",
                "/tasks/{task_id}/action/deny",
                "Denies a task.",
            ),
            (
                "mcp_tool.list_history",
                "/mcp_tools/{id}/history",
                "Lists the history of an MCP tool.",
            ),
            (
                "ai_governance_settings.update",
                "/settings",
                "Updates the AI governance settings.",
            ),
            (
                "connector_catalog.configuration_schema",
                "/catalog",
                "Gets a configuration schema.",
            ),
            ("x.list_owner_ids_per_app", "/x", "Lists owner IDs per app."),
            (
                "task_actions.process_now",
                "/tasks/{id}/process",
                "Processes a task now.",
            ),
            (
                "mcp_server.search_with_tool_count",
                "/apps/{app_id}/mcp",
                "Searches the MCP servers of an app with tool count.",
            ),
            (
                "connector.create_delegated",
                "/apps/{app_id}/delegated",
                "Creates a delegated connector of an app.",
            ),
            (
                "user.introspect",
                "/users/introspect",
                "Introspects the caller.",
            ),
            (
                "finding.bulk_create_tasks",
                "/x",
                "Creates the tasks in one request.",
            ),
        ] {
            assert_eq!(said(id, path), expected, "{id}");
        }
    }
}
