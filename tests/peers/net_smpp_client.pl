#!/usr/bin/perl
# An ESME for tests made of Perl's Net::SMPP: `net_smpp_client.pl HOST PORT MODE` (trx, tx or rx) binds,
# submits, receives, unbinds, and prints one JSON line with what came of it.
use strict;
use warnings;
use utf8;
use Encode qw(encode);
use IO::Select;
use JSON::PP;
use List::Util qw(min);
use Net::SMPP;
use Socket qw(SOL_SOCKET SO_RCVTIMEO);
use Time::HiRes qw(time);

my ($host, $port, $mode) = @ARGV;
my $expect_blocked = $ENV{EXPECT_BLOCKED} // 69;
my $end = time + 30;
my $json = JSON::PP->new->canonical;
my %result = (
    peer => 'net_smpp', mode => $mode, bound => JSON::PP::false, submits => [], mo => 0, receipts => 0,
    receipts_to => [], enquire_link => JSON::PP::false, unbound => JSON::PP::false,
);

sub fail {
    print STDERR "net_smpp: $_[0]; so far: ", $json->encode(\%result), "\n";
    exit 1;
}
my %bind = (
    trx => ['bind_transceiver', Net::SMPP::CMD_bind_transceiver_resp],
    tx  => ['bind_transmitter', Net::SMPP::CMD_bind_transmitter_resp],
    rx  => ['bind_receiver',    Net::SMPP::CMD_bind_receiver_resp],
);
fail('usage: net_smpp_client.pl HOST PORT trx|tx|rx') unless defined $mode && $bind{$mode};
$SIG{PIPE} = 'IGNORE';
$SIG{__WARN__} = sub { print STDERR $_[0] unless $_[0] =~ /premature eof/ };

my $s = Net::SMPP->new_connect($host, port => $port, smpp_version => 0x34, timeout => 10)
    or fail("cannot connect: $!");
# With this a half-sent PDU ends the read; waiting for its beginning is bounded by select.
$s->setsockopt(SOL_SOCKET, SO_RCVTIMEO, pack('l!l!', 5, 0));
my $select = IO::Select->new($s);

# Reads one PDU and answers it if it is a request; undef when there is none in time.
sub next_pdu {
    my $until = min($_[0], $end);
    my $left = $until - time;
    return undef if $left <= 0 || !$select->can_read($left);
    $! = 0;    # the library would take an old EINTR for a new one
    my $p = $s->read_pdu or fail('connection closed by the other side');
    if ($p->{cmd} == Net::SMPP::CMD_deliver_sm) {
        $s->deliver_sm_resp(seq => $p->{seq}, status => 0, message_id => '');
        if (($p->{esm_class} & 0x3c) == 4 && $p->{short_message} =~ /stat:DELIVRD/) {
            $result{receipts}++;
            push @{ $result{receipts_to} }, $p->{destination_addr};
        }
        elsif ($p->{short_message} =~ /mo hello/) { $result{mo}++ }
    }
    elsif ($p->{cmd} == Net::SMPP::CMD_enquire_link) {
        $s->enquire_link_resp(seq => $p->{seq});
    }
    return $p;
}

# Waits for the answer to the request with this sequence number and gives its status.
# (The library's own waiting drops every other PDU, and so would lose messages.)
sub status_of {
    my ($what, $command, $seq) = @_;
    my $until = time + 10;
    while (my $p = next_pdu($until)) {
        next unless $p->{seq} == $seq;
        return $p->{status} if $p->{cmd} == $command || $p->{cmd} == Net::SMPP::CMD_generic_nack;
    }
    fail("no answer to $what in time");
}

sub submit {
    my ($what, $expected, $parts, %more) = @_;
    my $status = 0;
    for my $part (@$parts) {
        my $seq = $s->submit_sm(
            source_addr_ton => 0, source_addr_npi => 0, source_addr => '12345',
            dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => '66812345678',
            registered_delivery => 0, data_coding => 0, %more, short_message => $part, async => 1,
        );
        my $one = status_of($what, Net::SMPP::CMD_submit_sm_resp, $seq);
        $status ||= $one;
    }
    push @{ $result{submits} }, { what => $what, status => $status + 0 };
    fail("$what: status $status, expected $expected") if $status != $expected;
}

my ($method, $answer) = @{ $bind{$mode} };
my $status = status_of('bind', $answer, $s->$method(system_id => 'peer-net_smpp', password => 'pw', async => 1));
fail("bind answered with status $status") if $status;
$result{bound} = JSON::PP::true;

if ($mode ne 'rx') {
    my $parts = sub {
        my ($text, $reference) = @_;
        my $i = 0;
        return [map { pack('C6', 5, 0, 3, $reference, 2, ++$i) . $_ } substr($text, 0, 153), substr($text, 153)];
    };
    # The library takes octets: the text is in GSM 03.38, where the euro is 1b 65 and the at sign is 00.
    submit('short', 0, ["tapis short 5\x1b\x65 \x00 noon"], registered_delivery => 1);
    submit('long', 0, $parts->('tapis long message ' x 16, 42), esm_class => 0x40);
    submit('ucs2', 0, [encode('UTF-16BE', 'ทดสอบ 测试')], data_coding => 8);
    submit('binary', 0, ["\x00\x01\x02\xfe\xff"], data_coding => 4);
    submit('tagged', 0, ['please tapis-tag-me now'], registered_delivery => 1);
    submit('blocked', $expect_blocked, ['please tapis-block-me now']);
    # The words to be blocked lie across the cut.
    my $long = 'blocked long ' x 11 . 'tapis-block-me' . ' blocked long' x 5;
    submit('blocked long', $expect_blocked, $parts->($long, 43), esm_class => 0x40);
    my $payload = 'tapis long message ' x 9 . 'please tapis-block-me now';
    submit('blocked in message_payload', $expect_blocked, [''], message_payload => $payload);
}
if ($mode ne 'tx') {
    my $until = time + 10;
    while ($result{mo} < 1 || $result{receipts} < ($mode eq 'trx' ? 2 : 1)) {
        next_pdu($until) or fail('no MO message and receipts within 10 s');
    }
}

$status = status_of('enquire_link', Net::SMPP::CMD_enquire_link_resp, $s->enquire_link(async => 1));
fail("enquire_link answered with status $status") if $status;
$result{enquire_link} = JSON::PP::true;
$status = status_of('unbind', Net::SMPP::CMD_unbind_resp, $s->unbind(async => 1));
fail("unbind answered with status $status") if $status;
$result{unbound} = JSON::PP::true;
close $s;
print $json->encode(\%result), "\n";
