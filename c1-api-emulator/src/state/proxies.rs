//! Proxy bindings: a source entitlement implies a destination entitlement.

use serde_json::{Value, json};

use super::call::Call;
use super::expand::Expansion;
use super::row::Row;
use super::{HandlerResult, State};

/// The key of a binding: source app and entitlement, destination app and entitlement.
fn key<'a>(call: &Call<'a>) -> [&'a str; 4] {
    [
        "src_app_id",
        "src_app_entitlement_id",
        "dst_app_id",
        "dst_app_entitlement_id",
    ]
    .map(|name| call.path(name))
}

pub(super) fn create(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let [src_app, src, dst_app, dst] = key(call);
    state.entitlements.get(&[src_app, src])?;
    state.entitlements.get(&[dst_app, dst])?;
    let now = call.timestamp();
    let mut binding = Row::of([
        ("srcAppId", src_app),
        ("srcAppEntitlementId", src),
        ("dstAppId", dst_app),
        ("dstAppEntitlementId", dst),
        ("createdAt", &now),
        ("updatedAt", &now),
    ]);
    binding.set("implicit", false);
    state.proxies.insert(&key(call), binding.clone())?;
    Ok(response(state, call, &binding))
}

pub(super) fn get(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let binding = state.proxies.get(&key(call))?;
    Ok(response(state, call, binding))
}

pub(super) fn delete(state: &mut State, call: &Call<'_>) -> HandlerResult {
    state.proxies.remove(&key(call))?;
    Ok(json!({}))
}

fn response(state: &State, call: &Call<'_>, binding: &Row) -> Value {
    let [src_app, src, dst_app, dst] = key(call);
    let mut expansion = Expansion::new(&state.description, call);
    let view = json!({
        "appProxyEntitlement": binding.0,
        "srcAppPath": expansion.add("src_app_id", "App", state.apps.get(&[src_app])),
        "srcAppEntitlementPath": expansion.add("src_app_entitlement_id", "AppEntitlement", state.entitlements.get(&[src_app, src])),
        "dstAppPath": expansion.add("dst_app_id", "App", state.apps.get(&[dst_app])),
        "dstAppEntitlementPath": expansion.add("dst_app_entitlement_id", "AppEntitlement", state.entitlements.get(&[dst_app, dst])),
    });
    json!({ "appProxyEntitlementView": view, "expanded": expansion.finish() })
}
