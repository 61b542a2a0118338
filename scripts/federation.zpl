# The federation that ships as an example, and that the demonstration runs: one country's CERTs, as the
# public record describes them.  Endpoints, keys and the council's members are not in it:
#
#     khabar topology fill federation.zpl */node.card --council interior=RWQ... -o topology.zpl
#
# takes them from the nodes' cards and from the members' minisign keys.  See topology.zpl(5).

federation
    name = "Khabardar example federation"
    version = 1
    expires = 2028-12-31

council
    threshold = 3
    suspension = 2

policy
    early-warning-hours = 24
    notification-hours = 72
    final-days = 30

node
    # The root.  It holds both roles until each has a CERT of its own.
    national
        title = "National CERT"

    # Provincial CERTs report through the government's.
    punjab
        title = "CERT Punjab"
        reports-to = government
    sindh
        title = "CERT Sindh"
        reports-to = government
    kp
        title = "CERT Khyber Pakhtunkhwa"
        reports-to = government
    balochistan
        title = "CERT Balochistan"
        reports-to = government
    ajk
        title = "CERT Azad Jammu and Kashmir"
        reports-to = government
    gb
        title = "CERT Gilgit-Baltistan"
        reports-to = government
    kp-cerc
        title = "KP Cyber Emergency Response Centre"
        reports-to = kp

    # Sectoral CERTs and operators report through critical infrastructure's.
    telecom
        title = "Telecom CERT"
        reports-to = cii
    defense
        title = "Defense CERT"
        reports-to = cii
    nadra
        title = "National Database and Registration Authority"
        reports-to = cii
    community
        title = "Private sector, academia, civil society"
        reports-to = national
    # A federal body that is critical infrastructure as well.
    fbr
        title = "Federal Board of Revenue"
        reports-to = "government cii"

role
    government
        title = "Government CERT"
        reports-to = national
        holders = national
    cii
        title = "Critical Information Infrastructure CERT"
        reports-to = national
        holders = national

group
    provinces = "punjab sindh kp balochistan ajk gb"
    sectors = "telecom defense"

link
    telecom-defense = "telecom defense"
