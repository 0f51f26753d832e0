//! Entra tenant discovery: the OpenID configuration of a domain names its tenant and its cloud.
//!
//! The document is public and about the organisation; it says nothing about a person. That an
//! organisation has a tenant does not prove that its mail is there.

use crate::provider::presets::{PRESETS, Preset, preset_named};
use serde::Deserialize;

/// The tenant of all personal accounts (Microsoft, "ID tokens": `9188040d-…`).
const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// Lengths of the groups of a tenant id (RFC 9562, section 4).
const ID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// An organisation that Entra ID knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Tenant id, in lower case.
    pub id: String,
    /// The preset of its cloud.
    pub cloud: &'static Preset,
}

/// Why a document shows no tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantError {
    /// It is no OpenID configuration.
    #[error("its answer is not understood")]
    NotUnderstood,
    /// Its cloud is not known here.
    #[error("its cloud is not known here")]
    UnknownCloud,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    msgraph_host: Option<String>,
    cloud_instance_name: Option<String>,
    tenant_region_sub_scope: Option<String>,
}

impl Tenant {
    /// Whether it holds the personal accounts.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.id == PERSONAL_TENANT
    }
}

/// Reads an OpenID configuration.
///
/// # Errors
/// [`TenantError`].
pub fn read(body: &[u8]) -> Result<Tenant, TenantError> {
    let document: Document =
        serde_json::from_slice(body).map_err(|_| TenantError::NotUnderstood)?;
    let id = document.issuer.split('/').map(str::to_ascii_lowercase).find(|part| is_id(part));
    let id = id.ok_or(TenantError::NotUnderstood)?;
    let personal = preset_named("outlook").filter(|_preset| id == PERSONAL_TENANT);
    let cloud = personal.or_else(|| cloud(&document)).ok_or(TenantError::UnknownCloud)?;
    Ok(Tenant { id, cloud })
}

/// The sub-scope tells GCC High ("DODCON") from DoD, whatever host answered; then the host of Graph
/// and the name of the cloud.
fn cloud(document: &Document) -> Option<&'static Preset> {
    let word = |text: &Option<String>| text.clone().unwrap_or_default().to_ascii_lowercase();
    match word(&document.tenant_region_sub_scope).as_str() {
        "dodcon" => return preset_named("microsoft365-gcc-high"),
        "dod" => return preset_named("microsoft365-dod"),
        _other => {}
    }
    let graph = format!("https://{}", word(&document.msgraph_host));
    let name = word(&document.cloud_instance_name);
    let organisations = || PRESETS.iter().filter(|preset| preset.tenant == "organizations");
    let by_graph = organisations().find(|preset| preset.graph == graph);
    let by_name = || {
        let authority = |preset: &&Preset| {
            !name.is_empty() && preset.authority.trim_start_matches("https://login.") == name
        };
        organisations().find(authority)
    };
    by_graph.or_else(by_name)
}

fn is_id(text: &str) -> bool {
    let groups = text.split('-');
    groups.clone().map(str::len).eq(ID_GROUPS)
        && groups.flat_map(str::bytes).all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use crate::provider::detect::tenant::{TenantError, read};
    use serde_json::json;

    const ID: &str = "0badc0de-0000-4000-8000-00000000000a";

    #[test]
    fn the_document_names_the_tenant_and_its_cloud() {
        #[track_caller]
        fn check(id: &str, [graph, cloud, scope]: [&str; 3], expected: Result<&str, TenantError>) {
            let document = json!({
                "issuer": format!("https://login.microsoftonline.com/{id}/v2.0"),
                "msgraph_host": graph, "cloud_instance_name": cloud,
                "tenant_region_sub_scope": scope,
                "tenant_region_scope": "EU", "token_endpoint": "https://login.microsoftonline.com/x",
            });
            let found = read(document.to_string().as_bytes());
            assert_eq!(found.map(|tenant| tenant.cloud.name), expected, "{document}");
        }
        let global = ["graph.microsoft.com", "microsoftonline.com", ""];
        check(ID, global, Ok("microsoft365"));
        check(ID, ["graph.microsoft.com", "microsoftonline.com", "GCC"], Ok("microsoft365"));
        let high = ["graph.microsoft.us", "microsoftonline.us", "DODCON"];
        check(ID, high, Ok("microsoft365-gcc-high"));
        check(ID, ["graph.microsoft.com", "microsoftonline.us", "DOD"], Ok("microsoft365-dod"));
        check(ID, ["dod-graph.microsoft.us", "", ""], Ok("microsoft365-dod"));
        check(ID, ["", "microsoftonline.us", ""], Ok("microsoft365-gcc-high"));
        check(ID, ["", "partner.microsoftonline.cn", ""], Ok("microsoft365-china"));
        check(ID, ["", "", ""], Err(TenantError::UnknownCloud));
        check(ID, ["graph.example.org", "example.org", "x"], Err(TenantError::UnknownCloud));
        check("9188040d-6c67-4c5b-b112-36a304b66dad", global, Ok("outlook"));
        check("common", global, Err(TenantError::NotUnderstood));
        check("{tenantid}", global, Err(TenantError::NotUnderstood));
    }

    #[test]
    fn other_documents_show_no_tenant() {
        for body in
            ["", "[]", "{}", "<html></html>", "{\"issuer\": 7}", "{\"issuer\": \"\"}", "null"]
        {
            assert_eq!(read(body.as_bytes()), Err(TenantError::NotUnderstood), "{body}");
        }
    }
}
