//! Requests access for a user, and waits until the request is decided and carried out.
//!
//! `request_access ALIAS EMAIL --write`, where ALIAS is that of the entitlement and EMAIL that of the user.

use std::time::Duration;

use c1_api_ext::access::Recipient;
use c1_api_ext::{Wait, WaitEnd};
use c1_examples::{Outcome, Tenant, offline, user};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let c1 = &tenant.c1;
    let entitlement = c1
        .access()
        .entitlement(&tenant.argument(1, "ALIAS", "ledger-taxes-reader")?)
        .await?;
    let email = tenant.argument(2, "EMAIL", "elin.faber@example.com")?;
    let user = Recipient::user(user(c1, &email).await?);

    if !entitlement.held_by(&user).await?.is_empty() {
        println!("{email} has {:?} already.", entitlement.name());
        return Ok(());
    }
    if !tenant.may_write() {
        println!(
            "Use --write to request {:?} for {email}.",
            entitlement.name()
        );
        return Ok(());
    }
    let request = entitlement
        .grant_to(user)
        .description("For the audit")
        .send()
        .await?;
    println!("Requested {:?} for {email}.", entitlement.name());
    let wait = Wait::new()
        .first_delay(Duration::from_millis(200))
        .on_poll(|poll| eprintln!("open after {:?}", poll.elapsed));
    // Offline, nobody else is there to approve.
    let approval = async {
        match tenant.offline {
            Some(_) => offline::approve(&request).await,
            None => Ok(()),
        }
    };
    let (end, approved) = tokio::join!(Box::pin(request.wait(&wait)), Box::pin(approval));
    approved?;
    match end? {
        WaitEnd::Done(_) => println!("Granted."),
        WaitEnd::Failed(_) => println!("Not granted: {:?}", request.why_not().await?),
        _ => println!("Still open: task {}", request.id()),
    }
    Ok(())
}
