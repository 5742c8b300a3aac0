//! A tour of the SDK: connect, create entitlements, bind them to a conflict monitor and to each other,
//! add an owner, and list the entitlements page by page.
//!
//! Without credentials it starts an emulated tenant. With `CONDUCTORONE_*` set it talks to that
//! tenant, and only reads unless `--write` is given. It deletes what it creates.

use std::error::Error;

use c1_api_emulator::Emulator;
use c1_api_ext::C1;
use c1_api_ext::c1_api::app_entitlement_owners_v2::CreateEntitlementOwnerPath;
use c1_api_ext::c1_api::app_entitlements_proxy::CreatePath;
use c1_api_ext::c1_api::present;
use c1_api_ext::c1_api::types::{
    AppEntitlement, AppEntitlementRef, ConflictMonitorCreateRequest,
    CreateAppEntitlementEntitlementOwnerRequest, CreateAppEntitlementMonitorBindingRequest,
    CreateAppEntitlementProxyRequest, CreateAppEntitlementRequest, CreateAppRequest,
    EntitlementGroup,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let write = std::env::args().any(|argument| argument == "--write");
    let has_credentials =
        std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("CONDUCTORONE_"));
    if has_credentials {
        let c1 = C1::from_env()?;
        println!(
            "Tenant {} (from CONDUCTORONE_* in the environment).",
            c1.tenant()
        );
        if write {
            tour(&c1).await
        } else {
            println!("Reading only. Use --write for the whole tour.");
            read(&c1).await
        }
    } else {
        let emulator = Emulator::start().await?;
        println!(
            "CONDUCTORONE_* is not set. Started an emulated tenant at {}.",
            emulator.base_url()
        );
        let c1 = C1::builder()
            .client_credentials(emulator.client_id(), emulator.client_secret())
            .build()?;
        tour(&c1).await?;
        println!(
            "\n{} API calls, {} token request(s).",
            emulator.requests().len(),
            emulator.token_requests()
        );
        emulator.shutdown().await;
        Ok(())
    }
}

/// Creates an app, runs the operations on it, and deletes it.
pub(crate) async fn tour(c1: &C1) -> Outcome<()> {
    println!("\nCreating");
    let app = c1
        .apps()
        .create(CreateAppRequest::new("SDK quickstart"))
        .await?;
    let app_id = present!(app.app.id)?;
    println!("  app                   {app_id}");
    let done = operations(c1, app_id).await;
    c1.apps().delete(app_id).await?;
    println!("\nDeleted the app.");
    done
}

async fn operations(c1: &C1, app_id: &str) -> Outcome<()> {
    // 1. Create an entitlement of the app.
    let payments = create_entitlement(c1, app_id, "Make payments").await?;
    let approvals = create_entitlement(c1, app_id, "Approve payments").await?;

    // 2. Bind both to the two sides of a conflict monitor.
    let request = ConflictMonitorCreateRequest::new("Payments: make and approve");
    let monitor = c1.access_conflict().create_monitor(request).await?;
    let monitor_id = present!(monitor.id)?;
    println!("  conflict monitor      {monitor_id}");
    for (entitlement, side) in [
        (&payments, EntitlementGroup::A),
        (&approvals, EntitlementGroup::B),
    ] {
        let binding = CreateAppEntitlementMonitorBindingRequest::new()
            .monitor_id(monitor_id)
            .app_id(app_id)
            .app_entitlement_id(entitlement)
            .entitlement_group(side);
        let bound = c1.app_entitlement_monitor_binding().create(binding).await?;
        let side = bound.entitlement_group.unwrap_or_default();
        println!("  monitor binding       {entitlement} in {side}");
    }

    // 3. Add a proxy binding: whoever has the first entitlement also gets the second.
    let request = CreateAppEntitlementProxyRequest::new();
    let path = CreatePath {
        src_app_id: app_id,
        src_app_entitlement_id: &payments,
        dst_app_id: app_id,
        dst_app_entitlement_id: &approvals,
    };
    let proxy = c1.app_entitlements_proxy().create(path, request).await?;
    let proxy = present!(proxy.app_proxy_entitlement_view.app_proxy_entitlement)?;
    let destination = present!(proxy.dst_app_entitlement_id)?;
    println!("  proxy binding         {payments} implies {destination}");

    // 4. Make the holders of the second entitlement owners of the first.
    let holders = AppEntitlementRef::new().app_id(app_id).id(&approvals);
    let request = CreateAppEntitlementEntitlementOwnerRequest::new().app_entitlement_ref(holders);
    let path = CreateEntitlementOwnerPath {
        app_id,
        entitlement_id: &payments,
        role_slug: "owner",
        app_entitlement_ref_app_id: app_id,
        app_entitlement_ref_id: &approvals,
    };
    let owner = c1
        .app_entitlement_owners_v2()
        .create_entitlement_owner(path, request)
        .await?;
    let role = present!(owner.app_entitlement_owner_entitlement.role_slug)?;
    println!("  entitlement owner     {approvals} of {payments} as {role}");

    read(c1).await?;
    c1.access_conflict().delete_monitor(monitor_id).await?;
    Ok(())
}

async fn create_entitlement(c1: &C1, app_id: &str, name: &str) -> Outcome<String> {
    let request =
        CreateAppEntitlementRequest::new(name).description("Created by the SDK quickstart.");
    let created = c1.app_entitlements().create(app_id, request).await?;
    let id = present!(created.app_entitlement_view.app_entitlement.id)?;
    println!("  entitlement           {id} {name:?}");
    Ok(id.clone())
}

/// Lists the entitlements of the first apps.
async fn read(c1: &C1) -> Outcome<()> {
    println!("\nEntitlements");
    for app in c1.apps().list().page_size(10).await?.list {
        let (entitlements, pages) = entitlements(c1, present!(app.id)?).await?;
        let name = app.display_name.unwrap_or_default();
        println!("  {name:<20}  {:>4} on {pages} page(s)", entitlements.len());
        for entitlement in entitlements.iter().take(3) {
            println!(
                "    {}",
                entitlement.display_name.as_deref().unwrap_or("(no name)")
            );
        }
    }
    Ok(())
}

/// All entitlements of an app, and the number of pages.
async fn entitlements(c1: &C1, app_id: &str) -> Outcome<(Vec<AppEntitlement>, usize)> {
    let mut entitlements = Vec::new();
    let mut count = 0;
    let mut pages = c1.app_entitlements().list(app_id).page_size(10).pages();
    while let Some(page) = pages.try_next().await? {
        count += 1;
        entitlements.extend(
            page.list
                .into_iter()
                .filter_map(|view| view.app_entitlement),
        );
    }
    Ok((entitlements, count))
}
