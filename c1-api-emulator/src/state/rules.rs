//! What the description does not tell of a kind of object.
//!
//! Where a description does not have the fields, the rules about them do not apply. Unique names are a rule of the emulator: C1 is not known to refuse a name that is taken.

use super::kind::Link;

/// The rules of a kind.
#[derive(Debug, Default)]
struct Rule {
    kind: &'static str,
    /// What identifies it, where no path tells.
    key: &'static [&'static str],
    /// Groups of fields whose values no two objects share, unless the last one is unset.
    unique: &'static [&'static [&'static str]],
    /// Flags that are set when an object is created.
    flags: &'static [&'static str],
    /// Fields that get an id when an object is created.
    ids: &'static [&'static str],
    /// Fields of requests, and what they are called in the object.
    renamed: &'static [(&'static str, &'static str)],
    /// Fields of requests with ids, the field of the object with copies of what they mean, and its kind.
    copied: &'static [(&'static str, &'static str, &'static str)],
    /// Fields with copies of other objects, and their kind.
    copies: &'static [(&'static str, &'static str)],
    /// Fields with another object as it is, its kind, and the part with its id.
    joined: &'static [(&'static str, &'static str, &'static str)],
    /// Filters, and the fields that they mean.
    filters: &'static [(&'static str, &'static [&'static str])],
    /// Kinds of other objects that it belongs to, with the parts of their key and of this object.
    owners: &'static [(&'static str, &'static [(&'static str, &'static str)])],
}

const NONE: Rule = Rule {
    kind: "",
    key: &[],
    unique: &[],
    flags: &[],
    ids: &[],
    renamed: &[],
    copied: &[],
    copies: &[],
    joined: &[],
    filters: &[],
    owners: &[],
};

const RULES: &[Rule] = &[
    Rule {
        kind: "App",
        unique: &[&["displayName"]],
        flags: &["isManuallyManaged"],
        copied: &[("owners", "appOwners", "User")],
        ..NONE
    },
    Rule {
        kind: "AppEntitlement",
        unique: &[&["appId", "displayName"], &["alias"]],
        flags: &["isManuallyManaged"],
        renamed: &[("provisionPolicy", "provisionerPolicy")],
        filters: &[
            ("complianceFrameworkIds", &["complianceFrameworkValueIds"]),
            ("isAutomated", &["isAutomationEnabled"]),
            ("riskLevelIds", &["riskLevelValueId"]),
        ],
        ..NONE
    },
    Rule {
        kind: "AccessReviewSetupEntitlement",
        key: &["accessReviewId", "appId", "appEntitlementId"],
        ..NONE
    },
    Rule {
        kind: "AccessReviewTemplateSetupEntitlement",
        key: &["accessReviewTemplateId", "appId", "appEntitlementId"],
        ..NONE
    },
    Rule {
        kind: "AppEntitlementUserBinding",
        key: &["appId", "appEntitlementId", "appUserId"],
        ..NONE
    },
    Rule {
        kind: "AppEntitlementUserBindingFeed",
        key: &["/event"],
        ..NONE
    },
    Rule {
        kind: "AppEntitlementMonitorBinding",
        owners: &[("ConflictMonitor", &[("id", "monitorId")])],
        ..NONE
    },
    Rule {
        kind: "AppUser",
        filters: &[
            ("appUserStatuses", &["status.status"]),
            ("appUserStatusDetails", &["status.details"]),
        ],
        ..NONE
    },
    Rule {
        kind: "ConflictMonitor",
        unique: &[&["displayName"]],
        flags: &["enabled"],
        ids: &["entitlementSetAId", "entitlementSetBId"],
        ..NONE
    },
    Rule {
        kind: "RequestCatalog",
        copies: &[("accessEntitlements", "AppEntitlement")],
        ..NONE
    },
    Rule {
        kind: "ServicePrincipal",
        joined: &[("user", "User", "id")],
        ..NONE
    },
    Rule {
        kind: "ServicePrincipalCredential",
        renamed: &[("scopedRoles", "scopedRoleIds")],
        ..NONE
    },
    Rule {
        kind: "ServicePrincipalBinding",
        key: &["servicePrincipalId", "/functionId"],
        ..NONE
    },
    Rule {
        kind: "UserWithAppEntitlementUserBindingView",
        key: &["appId", "appEntitlementId", "/user.id"],
        ..NONE
    },
    Rule {
        kind: "TaskAuditView",
        key: &["id"],
        ..NONE
    },
];

fn rule(kind: &str) -> &'static Rule {
    RULES.iter().find(|rule| rule.kind == kind).unwrap_or(&NONE)
}

/// The kinds that no path tells, and what identifies them.
pub(super) fn kinds() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let rules = RULES.iter().filter(|rule| !rule.key.is_empty());
    rules.map(|rule| (rule.kind, rule.key))
}

pub(super) fn unique(kind: &str) -> &'static [&'static [&'static str]] {
    rule(kind).unique
}

pub(super) fn flags(kind: &str) -> &'static [&'static str] {
    rule(kind).flags
}

pub(super) fn ids(kind: &str) -> &'static [&'static str] {
    rule(kind).ids
}

pub(super) fn renamed(kind: &str) -> &'static [(&'static str, &'static str)] {
    rule(kind).renamed
}

pub(super) fn copied(kind: &str) -> &'static [(&'static str, &'static str, &'static str)] {
    rule(kind).copied
}

/// Fields with copies of other objects, and the kind of these.
pub(super) fn copies(kind: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let rule = rule(kind);
    let copied = rule.copied.iter().map(|(_, field, kind)| (*field, *kind));
    copied.chain(rule.copies.iter().copied())
}

/// Fields with another object as it is, its kind, and the part with its id.
pub(super) fn joined(kind: &str) -> &'static [(&'static str, &'static str, &'static str)] {
    rule(kind).joined
}

/// Filters, and the fields that they mean.
pub(super) fn filters(kind: &str) -> &'static [(&'static str, &'static [&'static str])] {
    rule(kind).filters
}

/// The objects that one belongs to, where no name tells it.
pub(super) fn owners(kind: &str) -> impl Iterator<Item = Link> {
    rule(kind).owners.iter().map(|(kind, parts)| Link {
        kind: (*kind).to_owned(),
        parts: parts
            .iter()
            .map(|(part, own)| ((*part).to_owned(), (*own).to_owned()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use c1_api_spec::model::Type;

    use super::RULES;

    #[test]
    fn rules_are_about_kinds_of_the_description() {
        let description = crate::description().unwrap();
        for rule in RULES {
            let message = description.message(rule.kind).expect(rule.kind);
            let fields = rule
                .unique
                .iter()
                .copied()
                .flatten()
                .chain(rule.flags)
                .chain(rule.ids);
            let key = rule.key.iter().filter(|part| !part.starts_with('/'));
            let fields = fields.chain(key);
            let fields = fields.chain(rule.renamed.iter().map(|(_, field)| field));
            let fields = fields.chain(rule.copied.iter().map(|(_, field, _)| field));
            let fields = fields.chain(rule.copies.iter().map(|(field, _)| field));
            let fields = fields.chain(rule.joined.iter().map(|(field, _, _)| field));
            let fields = fields.chain(rule.filters.iter().flat_map(|(_, fields)| *fields));
            let fields = fields.chain(
                rule.owners
                    .iter()
                    .flat_map(|(_, parts)| *parts)
                    .map(|(_, own)| own),
            );
            for field in fields {
                let known = match field.split_once('.') {
                    None => message.fields.contains_key(*field),
                    Some((outer, inner)) => {
                        let Some(Type::Ref(outer)) = message.fields.get(outer).map(|it| &it.ty)
                        else {
                            panic!("{}.{field}", rule.kind)
                        };
                        let outer = description.message(outer);
                        outer.is_some_and(|outer| outer.fields.contains_key(inner))
                    }
                };
                assert!(known, "{}.{field}", rule.kind);
            }
        }
    }
}
