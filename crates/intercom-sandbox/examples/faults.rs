//! A sandbox whose second create is answered, and lost on the way.

use intercom_api::OperationId;
use intercom_sandbox::{Dropped, Fault, Faults, Request, Sandbox, ScriptedFault, Settings, UnixMillis};

fn main() {
    let mut faults = Faults::none();
    let lost = Fault::Drop(Dropped::AfterEffect);
    faults
        .scripted
        .push(ScriptedFault::new(OperationId::CreateContact, 2, lost));
    let mut sandbox = Sandbox::new(Settings::default().with_faults(faults));
    let now = UnixMillis::from_secs(1_767_225_600);
    let create = |id: &str| format!(r#"{{"external_id":"{id}"}}"#);
    for id in ["ann-1", "bob-2", "bob-2"] {
        let body = create(id);
        let request = Request::new("POST", "/contacts")
            .authorization("Bearer any")
            .body(body.as_bytes());
        let reply = sandbox.handle(request, now);
        match reply.dropped {
            Some(_) => println!("{id}: no response"),
            None => println!("{id}: {} {}", reply.status, String::from_utf8_lossy(&reply.body)),
        }
    }
    println!("{} contacts", sandbox.state().contacts.len());
}
