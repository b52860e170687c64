//! `GET /features`: what the service can do.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the service can do. rudder-server asks at its start and then every ten seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Features {
    /// The destination types whose events go to `POST /routerTransform`.
    pub router_transform: BTreeMap<String, bool>,
    /// The destination types that users can be deleted from.
    pub regulations: Vec<String>,
    /// Whether deliveries can be made by `POST /v1/destinations/{type}/proxy`.
    pub support_transformer_proxy_v1: bool,
    /// Whether destinations and connections may be left out of the events.
    pub support_dest_transform_compacted_payload_v1: bool,
    /// A switch that newer versions of rudder-server want to be on.
    pub upgraded_to_source_transform_v2: bool,
    /// A switch that older versions of rudder-server want to be on.
    pub support_source_transform_v1: bool,
}

impl Features {
    /// What this service can do.
    pub fn new() -> Self {
        let name = super::DESTINATION_TYPE.to_ascii_uppercase();
        Self {
            router_transform: BTreeMap::from([(name.clone(), true)]),
            regulations: vec![name],
            support_transformer_proxy_v1: true,
            support_dest_transform_compacted_payload_v1: true,
            upgraded_to_source_transform_v2: true,
            support_source_transform_v1: true,
        }
    }
}

impl Default for Features {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_that_rudder_server_reads() {
        let json = serde_json::to_string(&Features::new()).unwrap();
        assert_eq!(
            json,
            r#"{"routerTransform":{"INTERCOM_V2":true},"regulations":["INTERCOM_V2"],"supportTransformerProxyV1":true,"supportDestTransformCompactedPayloadV1":true,"upgradedToSourceTransformV2":true,"supportSourceTransformV1":true}"#
        );
    }
}
