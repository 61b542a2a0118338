# A small federation that has one of everything.
federation
    name = "Test federation"
    version = 2
    network = 0011223344556677
    expires = 2027-12-31
    previous = "abababababababababababababababababababababababababababababababab"

council
    threshold = 2
    suspension = 1
    members
        interior = "RWR75heubTmdMZ0Q7clGS/PfFe0sm7ieJvkyJClvPeCFkaKBcXUNApaQ"
        defence = "RWRbht1CecrKCRosH8//XMoSxwRSCiIG/T3pbRQkpb7q/1U6Dp8MXK9b"
        academia = "RWR65F0v/aj4rjMEheRPK0xPTf0MpkW1l7i+cTw+Nl7q9f/jHgYAbPb/"

policy
    expiry-days
        clear = 300
        amber+strict = 60
    early-warning-hours = 12
    sealed = yes

node
    national
        title = "National CERT"
        endpoint = "tcp://cert.example.pk:5670"
        link = "0b69a8fa64c4fcd42074ae4f2de2d3317f6d1f00d7c3a2ff1ed11ccfccf85f2e"
        sign
            1 = "ff8ecb6b2b1d0e7edc6f069c663cb22f6b66bef17a4e110fcece024953978f50"
        seal
            1 = "3c20569a43e53e9ceac1f50290b3c3515c8072cdfaa55a1a52c5be75ad23c276"
    punjab
        title = "CERT Punjab"
        reports-to = government
        endpoint = "tcp://192.0.2.1:5670"
        quota = "64 MiB"
        emergencies = 10
        networks = "192.0.2.0/24 2001:db8::/32"
        domains = "punjab.example.pk"
        as-numbers = "64500 64501"
        link = "ab76525a506a81bc5699182a887aa74605ef3bb2ead7dbe10671da48135b1d6b"
        sign
            1 = "555d75fe9783b83c86a542203080caf4b339a7a7d7abec63ef27f1709b884267"
        seal
            1 = "c58afbea23de9473679a33f7a969bdbf4e788b0cfabcf9dd5a9ad29ec941e111"
    sindh
        reports-to = government
        link = "9c5414575ebdd65f891c6896c26666bf07b6569eb9f99c5865907ded213db25f"
        sign
            2 = "3974151227b441b25d8dbdfbff8de5bacc68db5c9b43e2e090187578db4ac7ed"
            1 = "7337a0150f71afb2a9297c3330f1076e4b7c2395bb059cc0f2d79b69e6d139b6 revoked"
        seal
            1 = "dcdba8c7da92018236cec4b479a8096c0382a463fa3391f9ec48b04074177e5e revoked"
            2 = "b3cf17b63155229115ec4ee94b4627eb82a30b805907212903236adf92419e2d"
    telecom
        reports-to = cii
        endpoint = "tcp://[2001:db8::1]:5670"
        link = "0a5dce967f1a417a5a93ee1290f5fb3d50c69e5bdf3c2fcbe1762fcdd094db5c"
        sign
            1 = "52b5f2bfb3057a77a18707061939a58d76fbf5c3df8e48d89340674038012090"
        seal
            1 = "491128ff1d9f6bea72fd395086c333d9604fac9408af284d4ffaa8a17dfc9069"
    fbr
        reports-to = "government cii"
        link = "7a9856d9eef928d7a2be5a66d426c5790db723e952a9a724d8f895223c684341"
        sign
            1 = "e8cef5d497474ffbc71a9f96710adf4191e4bf713e8c5e3637fbe7f9c32768e2"
        seal
            1 = "8768110a710e9b627a2396b7e745886c149eab310a8f448eebbdcce98887f81b"
    gone
        reports-to = national
        left = 2026-02-28
        link = "9af071a0259e7cad03b244c4cb41405bc8b0e1e9e9267b7a4115d4f1a33bee30"
        sign
            1 = "8ae4e17aeac6c3db0855502fa4edd6b671e6306fe3c078833ad8396ff6735e30"
        seal
            1 = "ea25185ff818d37ad4c481fc5193e739ded0c1abc29efacfba9b9c124ca69100"

role
    government
        title = "Government CERT"
        reports-to = national
        holders = national
        domains = gov.example.pk
        seal
            1 = "ae2e9f21ed20e87baccf496ab1e98f58e20e4d3212618ba5072f27d0c5115606"
    cii
        reports-to = national
        holders = national

group
    provinces = "punjab sindh"
    everyone-else = "national telecom fbr cii"

link
    telecom-sindh = "telecom sindh"
