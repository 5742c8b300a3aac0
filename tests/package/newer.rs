//! The same with the document of newer.sed: a field, an operation and a group that our description lacks.

use c1_api_emulator::Emulator;
use c1_api_ext::{C1, c1_api, types};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start().await?;
    let c1 = C1::builder()
        .client_credentials(emulator.client_id(), emulator.client_secret())
        .build()?;
    assert_eq!(c1_api::DESCRIPTION.origin, None);

    let request = types::CreateAppRequest::new("Orchard").nickname("fruit");
    let app = c1.apps().create(request).await?.app.ok_or("no app")?;
    assert_eq!(app.nickname.as_deref(), Some("fruit"));
    let id = app.id.ok_or("no id")?;
    assert!(c1.apps().pin(&id).await?.app.is_some());

    let invoice = types::Invoice::new("acme").cents(1_250);
    let sample = c1.billing().create_invoice(invoice).await?;
    assert!(!sample.customer.is_empty());

    let requests = emulator.requests();
    let [create, pin, bill] = &requests[..] else {
        return Err("not three requests".into());
    };
    let body = create.body.as_ref().ok_or("no body")?;
    assert_eq!(body["nickname"], "fruit");
    assert_eq!(pin.operation, "apps.pin");
    assert_eq!(pin.path["id"], id);
    let body = bill.body.as_ref().ok_or("no body")?;
    assert_eq!(bill.operation, "billing.create_invoice");
    assert_eq!((&body["customer"], &body["cents"]), (&"acme".into(), &"1250".into()));
    Ok(())
}
