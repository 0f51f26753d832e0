//! Filters that stand in front of mail servers: their MX names hide who keeps the mailboxes.

use crate::provider::presets::is_within;

/// Name of the filter, and the ends of its MX names in lower case.
const GATEWAYS: &[(&str, &[&str])] = &[
    ("Proofpoint", &["pphosted.com", "ppe-hosted.com", "gpphosted.com"]),
    ("Mimecast", &["mimecast.com", "mimecast.co.za", "mimecast-offshore.com"]),
    ("Barracuda", &["barracudanetworks.com"]),
    ("Cisco", &["iphmx.com"]),
    ("Broadcom (MessageLabs)", &["messagelabs.com"]),
    ("Trend Micro", &["trendmicro.com", "trendmicro.eu", "trendmicro.co.jp"]),
    ("Sophos", &["sophos.com", "reflexion.net"]),
    ("Forcepoint", &["mailcontrol.com"]),
    ("Hornetsecurity", &["hornetsecurity.com", "antispameurope.com", "hornetdmarc.com"]),
    ("Trellix", &["fireeyecloud.com", "fireeyegov.com"]),
    ("Cloudflare", &["mxrecord.io", "mxrecord.mx", "mx.cloudflare.net"]),
    ("N-able", &["antispamcloud.com", "spamexperts.com", "spamexperts.eu"]),
    ("OpenText (AppRiver)", &["arsmtp.com"]),
    ("Retarus", &["retarus.com"]),
];

/// Whose filter an MX name belongs to.
pub(crate) fn gateway_of(host: &str) -> Option<&'static str> {
    let shown = |ends: &[&str]| ends.iter().any(|end| is_within(host, end));
    GATEWAYS.iter().find(|(_name, ends)| shown(ends)).map(|(name, _ends)| *name)
}

#[cfg(test)]
mod tests {
    use crate::provider::detect::gateways::gateway_of;

    #[test]
    fn a_filter_is_known_by_whole_labels() {
        #[track_caller]
        fn check(host: &str, expected: Option<&str>) {
            assert_eq!(gateway_of(host), expected, "{host:?}");
        }
        check("mxa-00001.gslb.pphosted.com", Some("Proofpoint"));
        check("eu-smtp-inbound-1.mimecast.com", Some("Mimecast"));
        check("d123.a.ess.de.barracudanetworks.com", Some("Barracuda"));
        check("mx1.hc99-1.eu.iphmx.com", Some("Cisco"));
        check("notmimecast.com", None);
        check("mimecast.com.example.org", None);
    }
}
