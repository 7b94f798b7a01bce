//! Who signs credentials: a province, the national platform, or a partner abroad.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::language::Words;

/// The number of an issuer: a province by GB/T 2260, [`IssuerId::NATIONAL`], or a country abroad by
/// ISO 3166-1, as far as no province has its number.
///
/// A number by itself says nothing of trust: an issuer counts when the key ring has it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct IssuerId(u16);

impl IssuerId {
    /// The national platform, by the country's number in ISO 3166-1.
    pub const NATIONAL: Self = Self(156);

    /// The issuer with this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What the issuer is called, if the number is one of GB/T 2260 or the national platform's.
    #[must_use]
    pub fn name(self) -> Option<Words> {
        let index = NAMES.binary_search_by_key(&self.0, |(number, ..)| *number).ok()?;
        let (_, zh, en) = NAMES.get(index)?;
        Some(Words::new(*zh, *en))
    }

    /// Whether the number is a province's by GB/T 2260.
    #[must_use]
    pub fn is_province(self) -> bool {
        self != Self::NATIONAL && self.is_domestic()
    }

    /// Whether the number is a province's or the national platform's.
    #[must_use]
    pub fn is_domestic(self) -> bool {
        NAMES.binary_search_by_key(&self.0, |(number, ..)| *number).is_ok()
    }

    /// The two letters in ISO 3166-1 of the country abroad that has this number.
    #[must_use]
    pub fn country(self) -> Option<&'static str> {
        let country = rust_iso3166::from_numeric(self.0).filter(|_| !self.is_domestic())?;
        Some(country.alpha2)
    }

    /// Every issuer that has a [`name`](Self::name), in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(number, ..)| Self(*number))
    }
}

impl fmt::Display for IssuerId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Short names, as people use them. Source: GB/T 2260-2007.
const NAMES: &[(u16, &str, &str)] = &[
    (11, "北京", "Beijing"),
    (12, "天津", "Tianjin"),
    (13, "河北", "Hebei"),
    (14, "山西", "Shanxi"),
    (15, "内蒙古", "Inner Mongolia"),
    (21, "辽宁", "Liaoning"),
    (22, "吉林", "Jilin"),
    (23, "黑龙江", "Heilongjiang"),
    (31, "上海", "Shanghai"),
    (32, "江苏", "Jiangsu"),
    (33, "浙江", "Zhejiang"),
    (34, "安徽", "Anhui"),
    (35, "福建", "Fujian"),
    (36, "江西", "Jiangxi"),
    (37, "山东", "Shandong"),
    (41, "河南", "Henan"),
    (42, "湖北", "Hubei"),
    (43, "湖南", "Hunan"),
    (44, "广东", "Guangdong"),
    (45, "广西", "Guangxi"),
    (46, "海南", "Hainan"),
    (50, "重庆", "Chongqing"),
    (51, "四川", "Sichuan"),
    (52, "贵州", "Guizhou"),
    (53, "云南", "Yunnan"),
    (54, "西藏", "Tibet"),
    (61, "陕西", "Shaanxi"),
    (62, "甘肃", "Gansu"),
    (63, "青海", "Qinghai"),
    (64, "宁夏", "Ningxia"),
    (65, "新疆", "Xinjiang"),
    (71, "台湾", "Taiwan"),
    (81, "香港", "Hong Kong"),
    (82, "澳门", "Macao"),
    (156, "国家平台", "National platform"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_provinces_the_platforms_or_a_countrys() {
        // 36 and 50 are Australia's and Bangladesh's too; there provinces come first.
        let cases = [
            (11, "province", None),
            (36, "province", None),
            (50, "province", None),
            (82, "province", None),
            (156, "platform", None),
            (410, "abroad", Some("KR")),
            (702, "abroad", Some("SG")),
            (0, "abroad", None),
            (999, "abroad", None),
        ];
        for (number, kind, country) in cases {
            let issuer = IssuerId::new(number);
            let found = match (issuer.is_province(), issuer.is_domestic()) {
                (true, true) => "province",
                (false, true) => "platform",
                _ => "abroad",
            };
            assert_eq!((found, issuer.country()), (kind, country), "{number}");
        }
    }
}
