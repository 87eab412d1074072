"""The certificates of Amazon RDS and Aurora by fingerprint: roots and regional authorities, those that expired too.

Facts of the published bundles (https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem and the older
rds-combined-ca-bundle.pem): the SHA-256 of each certificate, its common name, and the day on which it expires.
No key and no certificate is in here: a certificate is trusted because of the bundle that the user gives.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from aurora_wire.immutable import immutable

WITHDRAWN_FILES: Final = (
    "rds-combined-ca-bundle", "rds-ssl-ca-cert", "mysql-ssl-ca-cert", "rds-ca-2015", "rds-ca-2019",
)  # fmt: skip
_COMMON_NAME: Final = re.compile(r"Amazon RDS (?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d) )?(?P<rest>.+)")


@immutable
class AmazonCertificate:
    """One certificate of Amazon's. fingerprint: SHA-256, 64 hex digits; expires: a day, `2061-05-25`.

    region: `eu-central-1`, or empty for a root of all regions. Names of today's generation end in `G1`.
    """

    name: str
    expires: str
    is_root: bool
    fingerprint: str

    @property
    def region(self) -> str:
        found = _COMMON_NAME.fullmatch(self.name.replace("preview-", ""))
        return (found["region"] or "") if found else ""


@cache
def by_fingerprint() -> dict[str, AmazonCertificate]:
    """Return all of them by SHA-256 fingerprint."""
    found = {}
    for line in _TABLE.splitlines():
        fingerprint, expires, kind, name = line.split(maxsplit=3)
        found[fingerprint] = AmazonCertificate(name, expires, kind == "root", fingerprint)
    return found


@cache
def by_name() -> dict[str, AmazonCertificate]:
    """Return authorities by common name; of those with one name the one that lasts longest."""
    found: dict[str, AmazonCertificate] = {}
    for each in by_fingerprint().values():
        known = found.get(each.name)
        if known is None or known.expires < each.expires:
            found[each.name] = each
    return found


# SHA-256, last day, root or intermediate, common name.
_TABLE: Final = """\
5cf9aecf41b6ada3b61c40b35997c136e2e160ef27e7429494698f25b11c1591 2024-08-19 root Amazon RDS Beta Root 2019 CA
d0c1c3d5670df261394f78ffa77aaf32176d30d69ce4df134a9f1a029bafc36a 2024-08-19 signed Amazon RDS Beta us-east-1 2019 CA
3d64b3edc6b8b3ffe0cf0c8ee91de915aca376ad818d6d78362686df99c80129 2121-05-18 root Amazon RDS Beta us-east-1 Root CA ECC384 G1
9c170caada139e8bf1add0d9f44a81e8e62df2115854914284794dab223dcf82 2061-05-18 root Amazon RDS Beta us-east-1 Root CA RSA2048 G1
b89aeb92200e5434ba58b30a3e418a47f772542292ae7d569b072fdcfd345de3 2121-05-18 root Amazon RDS Beta us-east-1 Root CA RSA4096 G1
6c32d24fdb8e686f72359cb1841282faa24b2e93f60fa502b57ab2accde56336 2022-05-18 root Amazon RDS GovCloud Root CA
e73087a432f7b000dc237b4fa8a75857043587be2d80388fa655aafd52e1fda9 2024-08-21 root Amazon RDS Preview Root 2019 CA
d1523fdffdfb6cf81b03708d0ed73dabfc63dcdd4f72cac251dd37e3372feb75 2024-08-21 signed Amazon RDS Preview us-east-2 2019 CA
d96605e5acb0c7a91f28bf091361c0f80e68a77013272a50276b3dafb9542a3b 2121-05-18 root Amazon RDS Preview us-east-2 Root CA ECC384 G1
50c530bc483367c49a89bf32d18d5a3c1917f577b147ea62bcec79375a69854e 2061-05-18 root Amazon RDS Preview us-east-2 Root CA RSA2048 G1
2ed2b79cf308ce70ddae58b52057788977c7f039ed0a5c4727908b807ac3e128 2121-05-18 root Amazon RDS Preview us-east-2 Root CA RSA4096 G1
f254c7d5e923b5b7510cd79ef7777c1ca7e64a3c9722e40d645478fc70aad008 2024-08-22 root Amazon RDS Root 2019 CA
afebb840be0c1af65e63e0cbd79cce35654bf60f4e076254bba935e9636d53f7 2020-03-05 root Amazon RDS Root CA
e00d9683f96831b81e23c2096b2dc1cbf2a7b5043c323279820964de4bb7f77a 2024-10-28 signed Amazon RDS af-south-1 CA
53ccc9faa744addb425abd850fd60c6d9790158aad85726873c4d3b9bb40e3a9 2024-10-26 root Amazon RDS af-south-1 Root CA
3f080199196980898679820cdaef05641ab38d7da88b5a8a4b43f516047a4670 2121-05-19 root Amazon RDS af-south-1 Root CA ECC384 G1
93e1ba1b78cc87bd5418456a356dab93868592d2676591be88dfdddce9f0e7a1 2061-05-19 root Amazon RDS af-south-1 Root CA RSA2048 G1
3c82c0d1b0fab07a7a30abccc30725f0426f2a7c011f369896b86427bf983a1b 2121-05-19 root Amazon RDS af-south-1 Root CA RSA4096 G1
ebbd7eac8b0217129535edc52fd6d9567d424d7eb43241d83526fd9c466d3f40 2022-06-01 signed Amazon RDS ap-east-1 CA
afe68921e5f2589a736c8600dea994d0c44a1afd21310a6fc9b03ffd18811815 2024-02-16 root Amazon RDS ap-east-1 Root CA
d3b2fb714fae16dbb0b2bc48884885570188e594cd227afd481372bc4f21d163 2121-05-25 root Amazon RDS ap-east-1 Root CA ECC384 G1
f847fd24500e9f8e64e9171c864c8260d121b2f2829fa7fc8c5c1cf8178bc0c8 2061-05-25 root Amazon RDS ap-east-1 Root CA RSA2048 G1
bf81762487be91062cdc35cd7dd519870e5d767d23488d13c6a66b7f77e114bd 2121-05-25 root Amazon RDS ap-east-1 Root CA RSA4096 G1
9091af2dfaf4ed882a4ab33b9b4edd2a8cba410aab220417ef3d576185c220ed 2024-08-22 signed Amazon RDS ap-northeast-1 2019 CA
dc1119d545f22acf13b66e29d93fe8ac75f69eeccbd3aef3cb22eca4fd7717f8 2020-03-05 signed Amazon RDS ap-northeast-1 CA
1cb5dcfb2e4db29fdb966e31c5da9f620bf06a10f5880205131a0e6a5bdf80d7 2121-05-25 root Amazon RDS ap-northeast-1 Root CA ECC384 G1
08544470dfa4c9dc25c481a8908d2958f90b9c1d23f275696f341d71f2f1539e 2061-05-25 root Amazon RDS ap-northeast-1 Root CA RSA2048 G1
dc4bd074909909f9e5288408f2a148261aa506711307ae0a6561df152e07e04c 2121-05-25 root Amazon RDS ap-northeast-1 Root CA RSA4096 G1
7fc1293c63eefb27759533f6e717977fd494dd17bd152d4fb53f4577e847526e 2024-08-22 signed Amazon RDS ap-northeast-2 2019 CA
f454cea264455682634a0edb23112c7419662fbec33c215db43af80a418be802 2020-03-05 signed Amazon RDS ap-northeast-2 CA
f47a584f42f3d9fd1e0f8908ae65a67ec7cc50340a616871563bde5d889a9cc0 2121-05-20 root Amazon RDS ap-northeast-2 Root CA ECC384 G1
e8de13bf9665ba1a2967008028ffe4f9b4f0a6def6e3caf76e0d496cd6facffc 2061-05-20 root Amazon RDS ap-northeast-2 Root CA RSA2048 G1
00ff49c08b7d5dc53328784986580948d06ee9b2f0f1e6b6eae70ccdedf5f757 2121-05-20 root Amazon RDS ap-northeast-2 Root CA RSA4096 G1
cfd542cf4a8c66451a9c7a1e03e7eb82a59a85f613a23f0689282bd639562f9f 2024-08-22 signed Amazon RDS ap-northeast-3 2019 CA
49e545c4d8d85a0c73c8f45f59d896d75e8b0ef146050240670310967cf7067a 2020-03-05 signed Amazon RDS ap-northeast-3 CA
ef0179e8f0f069eaaac6d3cb1b4ea4ad12c0db139dc24dd88892d884be348da6 2121-05-24 root Amazon RDS ap-northeast-3 Root CA ECC384 G1
43551a53a5197322e6aa5e120e2c59e308b8371af74ce8367769820ad00908c8 2061-05-24 root Amazon RDS ap-northeast-3 Root CA RSA2048 G1
22c209007e2f6c000e7661563393132370933159e78ff1ecaa2b761014e2f80b 2121-05-24 root Amazon RDS ap-northeast-3 Root CA RSA4096 G1
31be28ddf88e8d54cd0f083e6681042b0a4b178fbcfe0298b41c8ac30a6dc154 2024-08-22 signed Amazon RDS ap-south-1 2019 CA
cfb3069090fb6ebc0904ae7abd138f211ced11773ed3894c019daf493857b407 2020-03-05 signed Amazon RDS ap-south-1 CA
333de57f904b25d90b1ea19730ab91c495adbaf1480b0f2bbaf17d2e21af52bf 2121-05-19 root Amazon RDS ap-south-1 Root CA ECC384 G1
ff6a599c9e966b146a57725e1d9a19c72f5f08407f0a2d3350aa9ae9212339b8 2061-05-19 root Amazon RDS ap-south-1 Root CA RSA2048 G1
27111555461f373d983c7911a3406cf532e0b5d3929b9175a54e400e442ef557 2121-05-19 root Amazon RDS ap-south-1 Root CA RSA4096 G1
dbfe752e9b5bd14c968f1655a34570505d2476f5b6151523ca70d792c2a79c14 2122-06-06 root Amazon RDS ap-south-2 Root CA ECC384 G1
3a730d2458c61f7211ac674aaf798eaae0c65edd8f5b0f410d0d4c5223482bf9 2062-06-06 root Amazon RDS ap-south-2 Root CA RSA2048 G1
e841e076fcd83fdf6daea1bfcfb553c99a4197988cb35ebfaf71993e49a92ede 2122-06-06 root Amazon RDS ap-south-2 Root CA RSA4096 G1
4dafc29b8c9b80644ce0028d0c5623cc662fa4c7f876cf5d27cf9863b68d9035 2024-08-22 signed Amazon RDS ap-southeast-1 2019 CA
f364c93ea7cec4e9d98f007a2c4065565311438be1adc4d2e0239e8084302ddf 2020-03-05 signed Amazon RDS ap-southeast-1 CA
712a2eaa456b3d16cb6fb20a786b5958d91270e100430c091264d7f456f2a0e3 2121-05-21 root Amazon RDS ap-southeast-1 Root CA ECC384 G1
2994dd350da7fc30a1c9a95303773f3f381ba92af9805e4947d6f9963b770b80 2061-05-21 root Amazon RDS ap-southeast-1 Root CA RSA2048 G1
579e3ea1325bfc49cfdf6a934b3f8f1228e1e0d4b8e6ae34e7d22dda2c2b7bbd 2121-05-21 root Amazon RDS ap-southeast-1 Root CA RSA4096 G1
34072187e3538ba47cdd4d5cbd6e06448e7eca7182f92f00cd6627c6768ab2e1 2024-08-22 signed Amazon RDS ap-southeast-2 2019 CA
8a06763732515fb0830288da5e2c7b05dbf1e1567d46304fe4a3053dc429d8e9 2020-03-05 signed Amazon RDS ap-southeast-2 CA
02a28548ccc140000e50911afa4677850ac93635e20ad76f822d91f50324e853 2121-05-24 root Amazon RDS ap-southeast-2 Root CA ECC384 G1
742db53f2f8970ec4c7801784763c519d5485b197023ec4bb55526125469654a 2061-05-24 root Amazon RDS ap-southeast-2 Root CA RSA2048 G1
8bde3d208554fb7409da40771c9c6684881daacce02c2d40be75d28de45c5231 2121-05-24 root Amazon RDS ap-southeast-2 Root CA RSA4096 G1
cba9effcc625b81c17084e7ab3bc8ad10ac3cf2c370a062dc2b759cc4c5cb4c6 2121-06-11 root Amazon RDS ap-southeast-3 Root CA ECC384 G1
533849068049dbb282750393e71646cef9e20256fe2ed59211bfe4b79edf91e8 2061-06-10 root Amazon RDS ap-southeast-3 Root CA RSA2048 G1
11bedbb33c2d1dfc28b75029441e8f6c845330a40372b117b7cdc0946f5c748d 2121-06-11 root Amazon RDS ap-southeast-3 Root CA RSA4096 G1
53e0148366019592ecca4fcf8098f7619e94279120080fa3df0847bf261c65d3 2122-05-25 root Amazon RDS ap-southeast-4 Root CA ECC384 G1
8876f8a284859d9048d41b0cf8b1724bf4a8a7fe4ecf7e9cbb28481c28698741 2062-05-25 root Amazon RDS ap-southeast-4 Root CA RSA2048 G1
ed0b9b254182e524aa4091d41e94d7a6ecaec07811c8c7ac914e942591cedad9 2122-05-25 root Amazon RDS ap-southeast-4 Root CA RSA4096 G1
2a9df2f7fbdb5d6d2437b21088354cd9129107939ffbf38311f76c60f42e064c 2124-05-15 root Amazon RDS ap-southeast-5 Root CA ECC384 G1
4f8f74669b3a73ea788bbbca16ca5a20c573cd7e4a9515eb46b85ee70d3ff78b 2064-05-15 root Amazon RDS ap-southeast-5 Root CA RSA2048 G1
48f84bdb4e595659e203ea6ab6502c3860a63eda5d879e14131633abc2d7d34d 2124-05-15 root Amazon RDS ap-southeast-5 Root CA RSA4096 G1
feb47d55c0044354022b2c82aed428073a3fad54cc6cdd700b52caba2eac8a1c 2124-09-12 root Amazon RDS ap-southeast-7 Root CA ECC384 G1
45d6f57f10d069738a46ca26d3ef4fc705963e0f3694506e7a2c1bee66c69dc7 2064-09-12 root Amazon RDS ap-southeast-7 Root CA RSA2048 G1
4ce1f223eab751a1b7d3765776aaeeda9ddccfb13bf469cb2e09f9eb8453541c 2124-09-12 root Amazon RDS ap-southeast-7 Root CA RSA4096 G1
66d6f8a335a062631638e70e2dd9c466a0e16705b3487d7bd533a9e023fab510 2024-08-22 signed Amazon RDS ca-central-1 2019 CA
903708dad4d583b7c8550aef3e9b79fec75c4d79476043d70357266363456c13 2020-03-05 signed Amazon RDS ca-central-1 CA
d2267e8646f81299adfb79e774447c31fb4ccc6506c4631f5aa40ee195233517 2121-05-21 root Amazon RDS ca-central-1 Root CA ECC384 G1
205403dc9e903714227f035610c9918fd3f603d82deb5b3dfc728079c1a2c778 2061-05-21 root Amazon RDS ca-central-1 Root CA RSA2048 G1
09b798b9d54c2acf8ab964dfb0b97bb9edb39d7a873f9ed532eb08340b5bdb54 2121-05-21 root Amazon RDS ca-central-1 Root CA RSA4096 G1
d14f3c348e093daffecf926be03c83625ae1ce882014a931ba064f522590d7b2 2123-09-19 root Amazon RDS ca-west-1 Root CA ECC384 G1
96b9d270ef5c0ae6eae5623663f18fcc25728d0b6d59edafec9b5b9d77bf812c 2063-09-13 root Amazon RDS ca-west-1 Root CA RSA2048 G1
af67d77f5c3bffb4515f45f751403d00da5b8e83a7119d240aa3b9ce6d8d89d4 2123-09-19 root Amazon RDS ca-west-1 Root CA RSA4096 G1
0a7d2f108ef8faae86cf9a553db095b65235b9a394d01899c1a64f858e108095 2024-08-22 signed Amazon RDS eu-central-1 2019 CA
630f2907badb166b3f01113dd2b8942c6cda99b34fe381e87c01fc159f0dac63 2020-03-05 signed Amazon RDS eu-central-1 CA
ae697d082ee1862f711ecae3893c3c613b7315d020f74674051534a5b166d47b 2121-05-21 root Amazon RDS eu-central-1 Root CA ECC384 G1
3d8b08a7390c9b10d190a6b349d703ae00bae46583643319c7faccf3e5dc4a8b 2061-05-21 root Amazon RDS eu-central-1 Root CA RSA2048 G1
3111f322e448c26ea2722c02e29714dace16d5c39336cdf6dfbffbc0368d5332 2121-05-21 root Amazon RDS eu-central-1 Root CA RSA4096 G1
896ef0d9c66ac5ac46e12bcd8f44dc2065b9006983b8b3c3203a4ab951f63368 2122-06-06 root Amazon RDS eu-central-2 Root CA ECC384 G1
97477e83609fc31e6312009830b36faeec32ad317f91531a21ace6448b6416c6 2062-06-06 root Amazon RDS eu-central-2 Root CA RSA2048 G1
969ed937f0f63f9fa703bea5089d2b3ea0164f32d843d26b2edd74f07b44df28 2122-06-06 root Amazon RDS eu-central-2 Root CA RSA4096 G1
4770d6ab348ffb53d59449a4bec5dae1aeef2128222c1475f90c02dfc6daa410 2024-08-22 signed Amazon RDS eu-north-1 2019 CA
1aedead6ca24c718952de349c6180571eaf8de25270ec12fb5ac4dd748f2ea8c 2020-03-05 signed Amazon RDS eu-north-1 CA
7e0f13147f65b845268f62c446f2785040a007f8e92fb0e42987e9b848068da8 2121-05-24 root Amazon RDS eu-north-1 Root CA ECC384 G1
4a3e1f8cd4ccfa64383ffd81344defe69d97c661dbde51a70dadc0b1f688561b 2061-05-24 root Amazon RDS eu-north-1 Root CA RSA2048 G1
a91830f1068b9fedf5a3e13805e0efafdc6dab2c4903eb032f52884fee2110a7 2121-05-24 root Amazon RDS eu-north-1 Root CA RSA4096 G1
c4e0f97511ffc52d5ed8d75c4aef215154ad64fe824d51484e852f216ac95b69 2024-10-30 signed Amazon RDS eu-south-1 CA
99341cc300f408f4ec95c6f9b266650e78f053e9c7d7f5a0443e552e3a31ef48 2024-10-28 root Amazon RDS eu-south-1 Root CA
b655ee075c71c0cd89bc2c0339e960f6ba9238efbc9b5d1ea8d257cf4fa0a424 2121-05-19 root Amazon RDS eu-south-1 Root CA ECC384 G1
8ea634c367d3f18a471da9bb38f833cbec4a408e472b58ad7d69bd47390a6640 2061-05-19 root Amazon RDS eu-south-1 Root CA RSA2048 G1
5c6ef8941085cb1060a14ab7bc439a3c21d3a704631b702b1393c0ab6cabb47d 2121-05-19 root Amazon RDS eu-south-1 Root CA RSA4096 G1
a74816bc5f13d5653e81c172627428f66f485a34db1e19d0f4925c1c61cd504b 2122-05-23 root Amazon RDS eu-south-2 Root CA ECC384 G1
073d43d98b8ca4444b7321ff9887525c7804a76930770b2a202aca582caa234d 2062-05-23 root Amazon RDS eu-south-2 Root CA RSA2048 G1
cf6fbdc3c0bb45d94c092458d7c867f705423a4a5f16b398b72e3c339b15d5d3 2122-05-23 root Amazon RDS eu-south-2 Root CA RSA4096 G1
0c79b44ba64a9641798128e6d9f6c3d8d478347fdf9704e4c7ca7ad60a4e8124 2024-08-22 signed Amazon RDS eu-west-1 2019 CA
2630913eae7513d7cc2a2c1db47430b7a5242be6be8706b56e285f22dcf881b7 2020-03-05 signed Amazon RDS eu-west-1 CA
88ecf027448f7198f3c1a6762474c4658dab35a18686af6b65de3c4023c6d0b2 2121-05-20 root Amazon RDS eu-west-1 Root CA ECC384 G1
6f7e01b62af24058417130b21e5fb9ad9f29b29c775c5107b657419010975886 2061-05-20 root Amazon RDS eu-west-1 Root CA RSA2048 G1
62e29ef90310947eed5d5546021d636008fad329fab9ea31ba1ae768b734f29a 2121-05-20 root Amazon RDS eu-west-1 Root CA RSA4096 G1
85103a6b8ad75590bf0f750cb7e5aa97e6a5b6b82f2dbaeb1ca9ec5dd613683d 2024-08-22 signed Amazon RDS eu-west-2 2019 CA
bd2780ce43df986c3e69bc8c920fe6f4f0471547d9daa984e3bc751ba83770a3 2020-03-05 signed Amazon RDS eu-west-2 CA
c990ee37225e4ecc989d9e5f81089614d1f6977db650d1d1ea61462812e71b02 2121-05-21 root Amazon RDS eu-west-2 Root CA ECC384 G1
3455640af7798b30da9c6179b5e21e23d95dabb7873a12fec70b02092745f04e 2061-05-21 root Amazon RDS eu-west-2 Root CA RSA2048 G1
147ad44255877d39e1a5d247c3dba006cf4479cd031eea34ae071287553a0215 2121-05-21 root Amazon RDS eu-west-2 Root CA RSA4096 G1
a7bce530a12490e8e22a95e4a90c357bb6e79056207c8badf6b935caf6158ff9 2024-08-22 signed Amazon RDS eu-west-3 2019 CA
c5c5b245b79d55b5492ee3bb7d58cc6b9cb527d7191d6f49cbd935de7dcfafc6 2020-03-05 signed Amazon RDS eu-west-3 CA
1a8027a4be83ff1e3cde85baa9d09c8b6cac0145ee5cc437389da4d3456d7fd9 2121-05-25 root Amazon RDS eu-west-3 Root CA ECC384 G1
1a954c0f6ea17874d55d02c7f1948236bd32c926be5fd28ec5aedffbc036226b 2061-05-25 root Amazon RDS eu-west-3 Root CA RSA2048 G1
eab48bcff49f906eae57552efce499a4cfa42f9003a4e9549b182062891155cf 2121-05-25 root Amazon RDS eu-west-3 Root CA RSA4096 G1
8c8475dccad184f53e92d55dc99293a2aad827cc9c96fb89d667836ae2a3130f 2122-12-02 root Amazon RDS il-central-1 Root CA ECC384 G1
a2b73ca650d3e47ba8360a912ff007612f80edc5aff31ddcecf4c0d29071ba16 2062-12-02 root Amazon RDS il-central-1 Root CA RSA2048 G1
6b8d99b4e5d5cbabd5d9bf02c263b46ca120ddd118655421d3d418b5f5aff9f9 2122-12-02 root Amazon RDS il-central-1 Root CA RSA4096 G1
8056ffc06567b146a5f4649c7d77b20f82d63585bb097467ee281231c2e1bb4b 2122-05-07 root Amazon RDS me-central-1 Root CA ECC384 G1
2b2a720f801b251f8cd4080c1cb56520020f0bafa56f90fb206e1b66dfc3d5a2 2062-05-07 root Amazon RDS me-central-1 Root CA RSA2048 G1
6420fc61de5715c965c04e1071c40ab8d6b42e19842b9228b683eb7f190a4552 2122-05-07 root Amazon RDS me-central-1 Root CA RSA4096 G1
0710e05def9189a070b6d655176f19939c5a306644579f8fb7f7400f8a40a4cc 2025-06-01 signed Amazon RDS me-south-1 CA
ab6960c9b3b83143ce0ae68d69a0e2f4f728f56d1f2e32f3fe013e6969136eb8 2024-05-08 root Amazon RDS me-south-1 Root CA
4c9be86992c1231cf519bb58b7277e8d86d88c76eea310bef7a5ec1c6eb9bd6b 2121-05-20 root Amazon RDS me-south-1 Root CA ECC384 G1
a42a4e21d76ef9f4b34801a13994f49afa9745573b71fc65dae504732ee3a863 2061-05-20 root Amazon RDS me-south-1 Root CA RSA2048 G1
6b9dd4a4d86d5b3cd5179355cd1ca157e71ba8470e6fc330245fa1f67febf8e5 2121-05-20 root Amazon RDS me-south-1 Root CA RSA4096 G1
f8f9c9e6d38d970b9c8cbf464d6f2c71049ad5501ea3a1404af1a01dd7038094 2124-09-30 root Amazon RDS mx-central-1 Root CA ECC384 G1
0d43c47961cbd07bc2a37029393847073fb349ba00e6b65311eef33097270002 2064-09-30 root Amazon RDS mx-central-1 Root CA RSA2048 G1
3ddbeda037eacc4cf3e23027577c282af78a6ff60e69bc1ab608202280984bba 2124-09-30 root Amazon RDS mx-central-1 Root CA RSA4096 G1
523e28e380c4dcc68db5104907265e0f1be0f6d73b46090df526a010327e6f98 2020-03-04 signed Amazon RDS preview-us-east-2 CA
87b6ecec419b904ec1686c2b340ed65a37d5a16980aa7622787fc4d53ec5194d 2024-08-22 signed Amazon RDS sa-east-1 2019 CA
21e86a7cdbf84e9888dc714f8992b98b3bab31c0e5264dede94bd654e3ffb25c 2020-03-05 signed Amazon RDS sa-east-1 CA
80ca8be42d38ea097fc733d79fc73d595f95f3834e04bb4efed15f1be53e8790 2121-05-19 root Amazon RDS sa-east-1 Root CA ECC384 G1
376e82dd0d72b3f4234e1dad34f7bc086d51947f8b343a887e3ae122e0fd212b 2061-05-19 root Amazon RDS sa-east-1 Root CA RSA2048 G1
4d895d0786fd52b513554e73a07c2c0df47138e834a4338866e4d4bdc85778a3 2121-05-19 root Amazon RDS sa-east-1 Root CA RSA4096 G1
c0ff201aeea68f5eac779595305fa277eb06e98c78b83507e0ae945f7678094a 2024-08-22 signed Amazon RDS us-east-1 2019 CA
2fd993d776bc2c5336cf03598cb88fac494ed70dac287246cc48729b2effdd42 2020-03-05 signed Amazon RDS us-east-1 CA
82d99e9e409703044c3f886f87a0408c96cd74dee2c9ba920e6553a32e372539 2121-05-25 root Amazon RDS us-east-1 Root CA ECC384 G1
e4ce41d069f4bdcdb714259058961ee42ed18cf2bf627a3d647aff25437d4b68 2061-05-25 root Amazon RDS us-east-1 Root CA RSA2048 G1
1c753cf0334ff82a47e0d3205839c8549b7d9a8a3d9a685cccecc80f82fe97e6 2121-05-25 root Amazon RDS us-east-1 Root CA RSA4096 G1
d4e3fc472b3159e8b3ab2377688a07a62ef9af3246d7fa91790fdcb9c2c949a1 2024-08-22 signed Amazon RDS us-east-2 2019 CA
4a75063f14803608cb2c051a15b59e801af22cb41f559382f914e7b601f4a064 2020-03-05 signed Amazon RDS us-east-2 CA
6a026963875a74234cc4deaeed7f31c15ee31127e0755e6a889de9f23946f660 2121-05-22 root Amazon RDS us-east-2 Root CA ECC384 G1
68996553f8c736aa4c56de4898e0947c208c81f0c9e2b57dea7bf718ef59512f 2061-05-22 root Amazon RDS us-east-2 Root CA RSA2048 G1
e48a40eb9ce3f24d9ede8947ccdb60b2970b1b2d75acc0e991e71ef8eac9dbfb 2121-05-22 root Amazon RDS us-east-2 Root CA RSA4096 G1
27e7a752a6856a115fb060f2bbe1684fd99f6b0e7e8ec19fcb409c4a5d8c04ac 2022-05-18 signed Amazon RDS us-gov-west-1 CA
69b79c264b9a133f700425307a0c7ec4a5773a932b44aa2efe2ef43dc824422f 2024-08-22 signed Amazon RDS us-west-1 2019 CA
31a5536c8241d423298b624cd4904ffc9543994122c4b868038c7b73891a7461 2020-03-05 signed Amazon RDS us-west-1 CA
9634bd929cb698e0327e4a315d6cab4c19b54fcbbf6a4e61f7edbec2139cb309 2121-05-19 root Amazon RDS us-west-1 Root CA ECC384 G1
c044a867d2df87500e4f86f5188baf94d8b47497ea7033bad01907b6f2c82be3 2061-05-19 root Amazon RDS us-west-1 Root CA RSA2048 G1
f0bd8094918f0c8b767c2696b98bd2f44b9e3f67f948552234c955cb4a864e44 2121-05-19 root Amazon RDS us-west-1 Root CA RSA4096 G1
3b113a06ebc63eef94ec3f91122a623b389f4d331ff330026e43af2101329f5d 2024-08-22 signed Amazon RDS us-west-2 2019 CA
c1e3dfc3f5656e8bd037c4ab36da811c68117198a36049a46928d65826231fc6 2020-03-05 signed Amazon RDS us-west-2 CA
01926d42a0dc63915005f3d2b8d7c07efd9451fc14889142d8c4fa6021a6a95e 2121-05-24 root Amazon RDS us-west-2 Root CA ECC384 G1
86e22f41c79b0de5777054189cfadbddf633a8a1dc09ef134db07a756e494abe 2061-05-24 root Amazon RDS us-west-2 Root CA RSA2048 G1
2888c2f870f2a58ebdeef3a3340b2f9810595b5a3466574f22ba97b778a5edbe 2121-05-24 root Amazon RDS us-west-2 Root CA RSA4096 G1
"""
