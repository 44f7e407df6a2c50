#!/usr/bin/perl
# A short message service centre by Perl's Net::SMPP (Debian's libnet-smpp-perl): a third library that judges what the SMS
# channel says. It prints "ready port=N", then each PDU that it gets as a line of JSON.
#
#   submit_sm    answered with a hexadecimal id; its receipt, if asked for, has the same in decimal
#   "eco …"      the same text comes back from its recipient
#   "corta …"    taken, and the connection is closed instead of an answer; the receipt comes by the next
#   "luego …"    refused twice with ESME_RTHROTTLED, then taken
#   "nunca …"    refused with ESME_RINVDSTADR

use strict;
use warnings;
use JSON::PP;
use Net::SMPP;
use POSIX qw(strftime);

$| = 1;
my $server = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34, timeout => undef)
    or die "cannot listen: $!";
print 'ready port=', $server->sockport, "\n";

my ($next_id, $seq) = (0x5a3f0000, 0);
my (%throttled, @late);
my @fields = qw(cmd status seq system_id password system_type interface_version service_type source_addr_ton source_addr_npi
    source_addr dest_addr_ton dest_addr_npi destination_addr esm_class registered_delivery data_coding validity_period);

sub show {
    my ($pdu) = @_;
    my %line = map { defined $pdu->{$_} ? ($_ => $pdu->{$_}) : () } @fields;
    $line{hex} = unpack 'H*', $pdu->{short_message} if defined $pdu->{short_message};
    print encode_json(\%line), "\n";
}

sub receipt {
    my ($client, $m) = @_;
    my $now = strftime '%y%m%d%H%M', gmtime;
    $client->deliver_sm(
        async => 1, seq => ++$seq, esm_class => 4,
        source_addr_ton => $m->{dest_addr_ton}, source_addr_npi => $m->{dest_addr_npi}, source_addr => $m->{destination_addr},
        dest_addr_ton => $m->{source_addr_ton}, dest_addr_npi => $m->{source_addr_npi}, destination_addr => $m->{source_addr},
        short_message => "id:$m->{id} sub:001 dlvrd:001 submit date:$now done date:$now stat:DELIVRD err:000 text:");
}

# False: the connection is to be closed.
sub submitted {
    my ($client, $m) = @_;
    my $text = $m->{short_message};

    if ($text =~ /^nunca/ or $text =~ /^luego/ and $throttled{$text}++ < 2) {
        $client->submit_sm_resp(seq => $m->{seq}, status => $text =~ /^nunca/ ? 0x0b : 0x58, message_id => '');
        return 1;
    }
    $m->{id} = ++$next_id;
    if ($text =~ /^corta/) {
        push @late, $m;
        return 0;
    }
    $client->submit_sm_resp(seq => $m->{seq}, message_id => sprintf '%X', $m->{id});
    receipt($client, $m) if $m->{registered_delivery} & 1;
    if ($text =~ /^eco/) {
        $client->deliver_sm(
            async => 1, seq => ++$seq, source_addr_ton => 1, source_addr_npi => 1, source_addr => $m->{destination_addr},
            dest_addr_ton => 3, dest_addr_npi => 0, destination_addr => $m->{source_addr},
            data_coding => $m->{data_coding}, short_message => $text);
    }
    return 1;
}

while (my $client = $server->accept) {
    while (my $pdu = $client->read_pdu) {
        my $cmd = $pdu->{cmd};
        show($pdu);
        if ($cmd == Net::SMPP::CMD_bind_transceiver) {
            $client->bind_transceiver_resp(seq => $pdu->{seq}, status => $pdu->{password} eq 'secret' ? 0 : 0x0e);
            receipt($client, $_) for splice @late;
        } elsif ($cmd == Net::SMPP::CMD_submit_sm) {
            submitted($client, $pdu) or last;
        } elsif ($cmd == Net::SMPP::CMD_enquire_link) {
            $client->enquire_link_resp(seq => $pdu->{seq});
        } elsif ($cmd == Net::SMPP::CMD_unbind) {
            $client->unbind_resp(seq => $pdu->{seq});
            last;
        }
    }
    $client->close;
}
