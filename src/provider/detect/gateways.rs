//! Filters that stand in front of mail servers: their MX names hide who keeps the mailboxes.

use crate::provider::presets::is_within;

/// Name of the filter, and the ends of its MX names in lower case. Each was seen in MX records of
/// organisations or in the maker's own instructions; a name that is only that of a maker's web site or
/// outgoing servers does not belong here.
const GATEWAYS: &[(&str, &[&str])] = &[
    // The last one serves the US government (copyright.gov).
    ("Proofpoint", &["pphosted.com", "ppe-hosted.com", "gpphosted.com"]),
    // The second serves South Africa, the third Jersey.
    ("Mimecast", &["mimecast.com", "mimecast.co.za", "mimecast-offshore.com"]),
    ("Barracuda", &["barracudanetworks.com"]),
    ("Cisco", &["iphmx.com"]),
    ("Broadcom (MessageLabs)", &["messagelabs.com"]),
    // in.tmes.trendmicro.com, in.tmes.trendmicro.eu, in.hes.trendmicro.com.
    ("Trend Micro", &["tmes.trendmicro.com", "tmes.trendmicro.eu", "hes.trendmicro.com"]),
    // mx-01-eu-west-1.prod.hydra.sophos.com, asp.reflexion.net.
    ("Sophos", &["hydra.sophos.com", "reflexion.net"]),
    ("Forcepoint", &["mailcontrol.com"]),
    ("Hornetsecurity", &["hornetsecurity.com", "antispameurope.com"]),
    // primary.us.email.fireeyecloud.com, primary.us.etp.fireeyegov.com.
    ("Trellix", &["fireeyecloud.com", "fireeyegov.com"]),
    // mailstream-east.mxrecord.io, mailstream-central.mxrecord.mx (Cloudflare, "Area 1").
    ("Cloudflare", &["mxrecord.io", "mxrecord.mx", "mx.cloudflare.net"]),
    // mx.spamexperts.com, fallbackmx.spamexperts.eu, lastmx.spamexperts.net.
    ("N-able", &["antispamcloud.com", "spamexperts.com", "spamexperts.eu", "spamexperts.net"]),
    ("OpenText (AppRiver)", &["arsmtp.com"]),
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
        check("in.tmes.trendmicro.eu", Some("Trend Micro"));
        check("mx-01-eu-west-1.prod.hydra.sophos.com", Some("Sophos"));
        check("www.sophos.com", None);
        check("notmimecast.com", None);
        check("mimecast.com.example.org", None);
    }
}
