"""What to paste to mirror a client's MySQL traffic: nobody can capture on Amazon's own hosts.

Source: Amazon VPC, "Traffic Mirroring": filters, sessions; the mirrored frames arrive as VXLAN on UDP port 4789.
"""

from __future__ import annotations

from typing import Final

PORT: Final = 3306

CLI: Final = """\
# Mirror the MySQL traffic of one client's network interface (CLIENT_ENI) to an instance that captures (TARGET_ENI).
filter=$(aws ec2 create-traffic-mirror-filter --description mysql \\
    --query TrafficMirrorFilter.TrafficMirrorFilterId --output text)
aws ec2 create-traffic-mirror-filter-rule --traffic-mirror-filter-id "$filter" --rule-number 1 --rule-action accept \\
    --traffic-direction egress --protocol 6 --destination-port-range FromPort={port},ToPort={port} \\
    --source-cidr-block 0.0.0.0/0 --destination-cidr-block 0.0.0.0/0
aws ec2 create-traffic-mirror-filter-rule --traffic-mirror-filter-id "$filter" --rule-number 2 --rule-action accept \\
    --traffic-direction ingress --protocol 6 --source-port-range FromPort={port},ToPort={port} \\
    --source-cidr-block 0.0.0.0/0 --destination-cidr-block 0.0.0.0/0
target=$(aws ec2 create-traffic-mirror-target --network-interface-id TARGET_ENI \\
    --query TrafficMirrorTarget.TrafficMirrorTargetId --output text)
aws ec2 create-traffic-mirror-session --network-interface-id CLIENT_ENI --traffic-mirror-target-id "$target" \\
    --traffic-mirror-filter-id "$filter" --session-number 1

# On the instance behind TARGET_ENI (its security group lets UDP 4789 in); the frames are unwrapped as they come:
sudo aurora-wire watch -i ens5 -w mirrored.pcapng
"""

TERRAFORM: Final = """\
resource "aws_ec2_traffic_mirror_filter" "mysql" {{}}

resource "aws_ec2_traffic_mirror_filter_rule" "to_server" {{
  traffic_mirror_filter_id = aws_ec2_traffic_mirror_filter.mysql.id
  rule_number              = 1
  rule_action              = "accept"
  traffic_direction        = "egress"
  protocol                 = 6
  source_cidr_block        = "0.0.0.0/0"
  destination_cidr_block   = "0.0.0.0/0"
  destination_port_range {{
    from_port = {port}
    to_port   = {port}
  }}
}}

resource "aws_ec2_traffic_mirror_filter_rule" "from_server" {{
  traffic_mirror_filter_id = aws_ec2_traffic_mirror_filter.mysql.id
  rule_number              = 2
  rule_action              = "accept"
  traffic_direction        = "ingress"
  protocol                 = 6
  source_cidr_block        = "0.0.0.0/0"
  destination_cidr_block   = "0.0.0.0/0"
  source_port_range {{
    from_port = {port}
    to_port   = {port}
  }}
}}

resource "aws_ec2_traffic_mirror_target" "capture" {{
  network_interface_id = var.target_eni
}}

resource "aws_ec2_traffic_mirror_session" "client" {{
  network_interface_id     = var.client_eni
  traffic_mirror_target_id = aws_ec2_traffic_mirror_target.capture.id
  traffic_mirror_filter_id = aws_ec2_traffic_mirror_filter.mysql.id
  session_number           = 1
}}
"""


def mirror_text(form: str, port: int = PORT) -> str:
    """Return what to paste. form: `cli` or `terraform`."""
    return (CLI if form == "cli" else TERRAFORM).format(port=port)
