//! Updates: the mask and the object of a request make of what was read what it was changed to, by the rules of protobuf.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::collections::BTreeSet;

use c1_api::types::{
    App, AppEntitlement, CreateAppEntitlementRequest, CreateAppRequest, CreatePolicyRequest,
    Policy, UpdateAppEntitlementRequest, UpdateAppRequest, UpdatePolicyRequest,
};
use c1_api::{Error, ErrorKind, Updatable, Update, present, types};
use c1_api_emulator::sample::Sampler;
use c1_api_spec::model::{Field, SchemaKind, Type};
use c1_test_kit::Numbers;
use c1_test_kit::Tenant;
use c1_tests::description;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

type Fields = Map<String, Value>;

/// An update: its request and its object, and what is tested with their types.
struct Case {
    request: &'static str,
    object: &'static str,
    fields: &'static [&'static str],
    differences: fn(&Case),
    settings: fn(&Case),
}

macro_rules! cases {
    ($($request:ident => $object:ident,)*) => {
        &[$(Case {
            request: stringify!($request),
            object: stringify!($object),
            fields: <types::$object as Updatable>::FIELDS,
            differences: differences::<types::$request>,
            settings: settings::<types::$request>,
        }),*]
    };
}

const CASES: &[Case] = cases! {
    AccessReviewServiceUpdateRequest => AccessReview,
    AccessReviewTemplateServiceUpdateRequest => AccessReviewTemplate,
    AppEntitlementServiceUpdateAutomationRequest => AppEntitlementServiceUpdateAutomationRequest,
    AppResourceServiceUpdateRequest => AppResource,
    AppUserServiceUpdateRequest => AppUser,
    ConnectorServiceUpdateDelegatedRequest => Connector,
    ConnectorServiceUpdateRequest => Connector,
    CredentialInventoryPolicyServiceUpdateRequest => CredentialInventoryPolicy,
    DecoyServiceUpdateRequest => Decoy,
    ExportServiceUpdateRequest => Exporter,
    FunctionsServiceUpdateFunctionRequest => Function,
    HooksServiceUpdateRequest => Hook,
    IdentityPolicyTenantDefaultsServiceUpdateRequest => IdentityPolicyTenantDefaults,
    LocalDirectoryConfigServiceUpdateRequest => LocalDirectoryConfig,
    MCPAccessProfileServiceUpdateRequest => MCPAccessProfile,
    MCPResourceServiceUpdateRequest => MCPResource,
    MCPServerServiceUpdateCredentialsRequest => MCPServerServiceUpdateCredentialsRequest,
    MCPServerServiceUpdateRequest => MCPServerView,
    MCPToolServiceUpdateRequest => MCPTool,
    PersonalClientServiceUpdateRequest => PersonalClient,
    PersonalDeviceServiceUpdateDeviceRequest => PersonalDevice,
    RecoveryPolicyServiceUpdateRequest => RecoveryPolicy,
    RequestCatalogManagementServiceUpdateRequest => RequestCatalog,
    RequestSchemaServiceUpdateRequest => RequestSchema,
    SSFReceiverStreamServiceUpdateRequest => SSFReceiverStream,
    SSOApplicationServiceUpdateRequest => SSOApplication,
    SSOSettingsServiceUpdateRequest => SSOSettings,
    ServicePrincipalServiceUpdateCredentialRequest => ServicePrincipalCredential,
    ServicePrincipalServiceUpdateRequest => ServicePrincipal,
    SessionPolicyServiceUpdateRequest => SessionPolicy,
    SignInPolicyServiceUpdateRequest => SignInPolicy,
    TenantAuthConfigServiceUpdateRequest => TenantAuthConfig,
    TunnelCredentialsServiceUpdateBridgeRequest => TunnelCredentialsServiceUpdateBridgeRequest,
    UpdateAIGovernanceSettingsRequest => AIGovernanceSettings,
    UpdateAppEntitlementRequest => AppEntitlement,
    UpdateAppRequest => App,
    UpdateAppUsageControlsRequest => AppUsageControls,
    UpdateAutomationRequest => Automation,
    UpdateContactsRequest => Contacts,
    UpdateManuallyManagedResourceTypeRequest => AppResourceType,
    UpdatePolicyRequest => Policy,
    UpdateRequestSettingsRequest => RequestSettings,
    UpdateRoleRequest => Role,
    UpdateSessionSettingsRequest => SessionSettings,
    UpdateStepUpProviderRequest => StepUpProvider,
    UpdateTenantEmailProviderRequest => TenantEmailProvider,
    VaultServiceUpdateRequest => Vault,
    WebhooksServiceUpdateRequest => WebhookEndpoint,
    WorkloadFederationServiceUpdateProviderRequest => WorkloadFederationProvider,
    WorkloadFederationServiceUpdateTrustRequest => WorkloadFederationTrust,
    XAAAccessProfileServiceUpdateRequest => XAAAccessProfile,
    XAAClientAudienceMappingServiceUpdateRequest => XAAClientAudienceMapping,
    XAAResourceServerServiceUpdateRequest => XAAResourceServer,
    XAAScopeServiceUpdateRequest => XAAScope,
    XAASettingsServiceUpdateRequest => XAASettings,
};

/// Requests with a mask that are no updates.
const OTHERS: &[(&str, &str)] = &[(
    "MCPServerServiceTestConnectionRequest",
    "tests a connection, and changes nothing",
)];

/// The runs of a property with each type.
const RUNS: u64 = 20;

#[test]
fn every_request_with_a_mask_is_an_update() {
    let description = description();
    let with_mask: BTreeSet<&str> = description
        .schemas
        .keys()
        .filter(|name| {
            let message = description.message(name);
            message.is_some_and(|message| message.fields.contains_key("updateMask"))
        })
        .map(String::as_str)
        .collect();
    let cases = CASES.iter().map(|case| case.request);
    let listed: BTreeSet<&str> = cases.chain(OTHERS.iter().map(|(name, _)| *name)).collect();
    assert_eq!(listed, with_mask);
    assert_eq!(listed.len(), CASES.len() + OTHERS.len());
    for case in CASES {
        let fields = &description.message(case.request).unwrap().fields;
        let is_object = |field: &Field| matches!(&field.ty, Type::Ref(name) if name == case.object);
        assert!(
            case.object == case.request || fields.values().any(is_object),
            "{}",
            case.request
        );
        let fields = description.message(case.object).unwrap().fields.iter();
        let decided = fields.filter(|(wire, field)| !field.read_only && *wire != "updateMask");
        let decided: Vec<&str> = decided.map(|(wire, _)| wire.as_str()).collect();
        assert_eq!(case.fields, decided, "{}", case.object);
    }
}

#[test]
fn a_difference_makes_of_the_old_object_the_new_one() {
    for case in CASES {
        (case.differences)(case);
    }
}

#[test]
fn what_is_set_is_sent_and_what_is_cleared_is_masked() {
    for case in CASES {
        (case.settings)(case);
    }
}

/// The emulator, which refuses paths that do not exist, makes of the object what the program made of it.
#[tokio::test]
async fn a_server_makes_the_object_that_the_program_made() {
    let tenant = Tenant::start(|builder| builder).await;
    let c1 = tenant.credentials().build().unwrap();
    let create = CreateAppRequest::new("Wages").description("Old.");
    let created = c1.apps().create(create).await.unwrap();
    let id = present!(created.app.id).unwrap();

    let response = c1.apps().get(id).await.unwrap();
    let before = present!(response.app).unwrap();
    let mut after = before.clone();
    after.display_name = Some("Payroll".to_owned());
    after.description = None;
    after.monthly_cost_usd = Some(12);
    let request = UpdateAppRequest::changes(before, &after).unwrap().unwrap();
    assert_eq!(
        request.update_mask.as_deref(),
        Some("description,displayName,monthlyCostUsd")
    );
    c1.apps().update(id, request).await.unwrap();
    let app = c1.apps().get(id).await.unwrap().app.unwrap();
    assert_eq!(app.display_name.as_deref(), Some("Payroll"));
    assert_eq!(app.description.unwrap_or_default(), "");
    assert_eq!(app.is_manually_managed, before.is_manually_managed);

    let labels = |labels: &[(&'static str, &'static str)]| App::new().annotations(labels.to_vec());
    let request = UpdateAppRequest::setting(labels(&[("a", "1"), ("b", "2")])).unwrap();
    c1.apps().update(id, request).await.unwrap();
    let before = c1.apps().get(id).await.unwrap().app.unwrap();
    let after = before.clone().annotations([("b", "3")]);
    let request = UpdateAppRequest::changes(&before, &after).unwrap().unwrap();
    c1.apps().update(id, request).await.unwrap();
    let app = c1.apps().get(id).await.unwrap().app.unwrap();
    assert_eq!(app.annotations, labels(&[("b", "3")]).annotations);

    let create = CreateAppEntitlementRequest::new("Pay").description("Old.");
    let created = c1.app_entitlements().create(id, create).await.unwrap();
    let before = present!(created.app_entitlement_view.app_entitlement).unwrap();
    let set = AppEntitlement::new()
        .display_name("Pay wages")
        .emergency_grant_enabled(false);
    let request = UpdateAppEntitlementRequest::setting(set).unwrap();
    let request = request.clear(AppEntitlement::DESCRIPTION);
    let entitlement = present!(before.id).unwrap();
    c1.app_entitlements()
        .update(id, entitlement, request)
        .await
        .unwrap();
    let view = c1.app_entitlements().get(id, entitlement).await.unwrap();
    let after = present!(view.app_entitlement_view.app_entitlement).unwrap();
    assert_eq!(after.display_name.as_deref(), Some("Pay wages"));
    assert_eq!(after.description.as_deref().unwrap_or_default(), "");
    assert_eq!(after.emergency_grant_enabled, Some(false));
    assert_eq!(after.slug, before.slug);

    let created = c1
        .policies()
        .create(CreatePolicyRequest::new("Old"))
        .await
        .unwrap();
    let policy = present!(created.policy.id).unwrap();
    let request = UpdatePolicyRequest::setting(Policy::new().display_name("New")).unwrap();
    c1.policies().update(policy, request).await.unwrap();
    let response = c1.policies().get(policy).await.unwrap();
    assert_eq!(present!(response.policy.display_name).unwrap(), "New");
}

#[test]
fn labels_that_are_gone_are_deleted() {
    let app = |json: Value| -> App { serde_json::from_value(json).unwrap() };
    let before = app(json!({"annotations": {"a": "1", "b": "2", "c1/by": "C1"}}));
    for (after, sent) in [
        (
            json!({"annotations": {"b": "3", "c1/by": "C1"}}),
            json!({"a": "", "b": "3"}),
        ),
        (json!({}), json!({"a": "", "b": ""})),
    ] {
        let request = UpdateAppRequest::changes(&before, &app(after))
            .unwrap()
            .unwrap();
        let request = serde_json::to_value(request).unwrap();
        assert_eq!(
            request,
            json!({"app": {"annotations": sent}, "updateMask": "annotations"})
        );
    }
}

#[test]
fn a_field_is_cleared_whatever_was_set() {
    let app = App::new().description("Old.").display_name("Payroll");
    let request = UpdateAppRequest::setting(app).unwrap();
    let request = request
        .clear(App::DESCRIPTION)
        .clear(App::ICON_URL)
        .clear(App::ICON_URL);
    assert_eq!(
        serde_json::to_value(request).unwrap(),
        json!({"app": {"displayName": "Payroll"}, "updateMask": "description,displayName,iconUrl"})
    );
    let request = serde_json::to_value(UpdateAppRequest::clearing(App::DESCRIPTION)).unwrap();
    assert_eq!(request, json!({"app": {}, "updateMask": "description"}));
}

#[test]
fn what_is_absent_is_named() {
    fn id(app: &App) -> Result<&str, Error> {
        Ok(present!(app.id)?)
    }
    let view: types::AppEntitlementView =
        serde_json::from_value(json!({"appEntitlement": {}})).unwrap();
    let views = [view];
    let error = present!((views[0]).app_entitlement.app_id).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.message(),
        "AppEntitlement.app_id: expected a value, and the response has none"
    );
    let error = present!((views[0]).object_permissions).unwrap_err();
    assert!(
        error
            .message()
            .starts_with("AppEntitlementView.object_permissions: "),
        "{error}"
    );
    assert!(
        id(&App::new())
            .unwrap_err()
            .message()
            .starts_with("App.id: ")
    );
}

/// Changes some fields of an object at random, and applies the request to it.
fn differences<R>(case: &Case)
where
    R: Update<Object: Serialize + DeserializeOwned> + Serialize,
{
    let mut numbers = Numbers::new(7);
    let mut changed = 0;
    for seed in 0..RUNS {
        let mut before = sampled(case, seed);
        before.retain(|_, _| numbers.percent(80));
        let before = fields(&object::<R>(&before));
        let other = sampled(case, seed + RUNS);
        let mut after = before.clone();
        for name in case.fields {
            match (numbers.below(4), other.get(*name)) {
                (0, Some(value)) => drop(after.insert((*name).to_owned(), value.clone())),
                (1, _) => drop(after.remove(*name)),
                (2, _) => drop(after.insert((*name).to_owned(), zero(case, name))),
                _ => {}
            }
        }
        let (old, new) = (object::<R>(&before), object::<R>(&after));
        let (before, after) = (fields(&old), fields(&new));
        let request = R::changes(&old, &new).unwrap();
        assert_eq!(request.is_none(), before == after, "{}", case.request);
        let Some(request) = request else { continue };
        changed += 1;
        let (mask, sent) = wire(case, &request);
        assert_eq!(applied(&before, &mask, &sent), after, "{}", case.request);
        for name in &mask {
            assert_ne!(before.get(name), after.get(name), "{}.{name}", case.object);
        }
        let required = fields(&object::<R>(&Fields::new()));
        for name in sent.keys() {
            assert!(
                mask.contains(name) || required.contains_key(name),
                "{}.{name}",
                case.object
            );
        }
        assert!(
            R::changes(&new, &new).unwrap().is_none(),
            "{}",
            case.request
        );
    }
    assert!(changed > 0, "{}", case.request);
}

/// Sends what is set, and clears a field; refuses what the server sets.
fn settings<R>(case: &Case)
where
    R: Update<Object: Serialize + DeserializeOwned> + Serialize,
{
    let empty = fields(&object::<R>(&Fields::new()));
    let error = R::setting(object::<R>(&Fields::new())).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{}", case.request);
    let sample = sampled(case, 1);
    let mut server = fields(&object::<R>(&sampled(case, 2)));
    server.remove("annotations");
    for name in case.fields {
        let Some(value) = sample.get(*name) else {
            continue;
        };
        for value in [value.clone(), zero(case, name)] {
            let one = Fields::from_iter([((*name).to_owned(), value)]);
            let given = object::<R>(&one);
            let one = fields(&given);
            if one == empty {
                // An empty list or map, or a required field: only `clear` sends these.
                assert!(R::setting(given).is_err(), "{}.{name}", case.object);
                continue;
            }
            let (mask, sent) = wire(case, &R::setting(given).unwrap());
            assert_eq!(mask, [*name], "{}", case.request);
            let new = applied(&server, &mask, &sent);
            assert_eq!(new.get(*name), one.get(*name), "{}.{name}", case.object);
        }
    }
    for (name, field) in &description().message(case.object).unwrap().fields {
        let (true, Some(value)) = (field.read_only, sample.get(name)) else {
            continue;
        };
        let one = object::<R>(&Fields::from_iter([(name.clone(), value.clone())]));
        if fields(&one) == empty {
            continue;
        }
        let nothing = object::<R>(&Fields::new());
        for error in [
            R::setting(object::<R>(&fields(&one))).err(),
            R::changes(&nothing, &one).err(),
            R::changes(&one, &nothing).err(),
        ] {
            let error = error.unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            let named = format!("{}.{name}: ", case.object);
            assert!(error.message().starts_with(&named), "{error}");
        }
    }
}

/// A sample of the object.
fn sampled(case: &Case, seed: u64) -> Fields {
    let sample = Sampler::new(description(), seed).message(case.object);
    let mut sample = sample.as_object().unwrap().clone();
    sample.remove("updateMask");
    sample
}

fn object<R: Update<Object: DeserializeOwned>>(fields: &Fields) -> R::Object {
    serde_json::from_value(Value::Object(fields.clone())).unwrap()
}

/// The fields that are present.
fn fields(object: &impl Serialize) -> Fields {
    let Value::Object(mut fields) = serde_json::to_value(object).unwrap() else {
        panic!("an object")
    };
    fields.remove("updateMask");
    fields
}

/// The zero value of a field, as JSON.
fn zero(case: &Case, name: &str) -> Value {
    let description = description();
    match &description.message(case.object).unwrap().fields[name].ty {
        Type::String | Type::Bytes => json!(""),
        Type::Bool => json!(false),
        Type::Int64 | Type::Uint64 => json!("0"),
        Type::Int32 | Type::Uint32 | Type::Int64Number | Type::Uint64Number | Type::Double => {
            json!(0)
        }
        Type::Timestamp => json!("1970-01-01T00:00:00Z"),
        Type::Duration => json!("0s"),
        Type::List(_) => json!([]),
        Type::Any | Type::Object | Type::Map(_) | Type::Json => json!({}),
        Type::Ref(name) => match &description.schemas[name].kind {
            SchemaKind::Message(_) => json!({}),
            SchemaKind::Enum(values) => json!(values[0]),
            SchemaKind::Pattern(_) => panic!("{name} has no zero"),
        },
    }
}

/// The mask of the request and the fields of the object in it, from its JSON.
fn wire(case: &Case, request: &impl Serialize) -> (Vec<String>, Fields) {
    let Value::Object(mut body) = serde_json::to_value(request).unwrap() else {
        panic!("an object")
    };
    let mask = body.remove("updateMask").unwrap();
    let mask = mask
        .as_str()
        .unwrap()
        .split(',')
        .map(str::to_owned)
        .collect();
    if case.object == case.request {
        return (mask, body);
    }
    let mut others = body.into_iter();
    let (_, object) = others.next().unwrap();
    assert_eq!(others.next(), None, "{}", case.request);
    (mask, object.as_object().unwrap().clone())
}

/// What the server makes of an object: each field of the mask as it was sent, or cleared.
fn applied(object: &Fields, mask: &[String], sent: &Fields) -> Fields {
    let mut object = object.clone();
    for name in mask {
        match (sent.get(name), object.get(name)) {
            // The service merges these.
            (Some(Value::Object(labels)), old) if name == "annotations" => {
                let old = old.and_then(Value::as_object).cloned();
                let mut all = old.unwrap_or_default();
                all.extend(labels.clone());
                all.retain(|_, value| value != "");
                object.insert(name.clone(), Value::Object(all));
                if object[name] == json!({}) {
                    object.remove(name);
                }
            }
            (Some(value), _) => drop(object.insert(name.clone(), value.clone())),
            (None, _) => drop(object.remove(name)),
        }
    }
    object
}
