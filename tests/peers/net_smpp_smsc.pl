#!/usr/bin/perl
# An SMSC for tests made of Perl's Net::SMPP: `net_smpp_smsc.pl PORT_OR_0` listens on 127.0.0.1, prints
# "listening PORT", then one JSON line for every PDU it receives, until SIGTERM.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Net::SMPP;
use Socket qw(SOL_SOCKET SO_RCVTIMEO);
use Time::HiRes qw(time);

my $port = shift;
die "usage: net_smpp_smsc.pl PORT_OR_0\n" unless defined $port && $port =~ /^\d+$/;
$| = 1;
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub { exit 0 };
# A peer that closes is no cause for a warning.
$SIG{__WARN__} = sub { print STDERR $_[0] unless $_[0] =~ /premature eof|Connection reset/ };

my %binds = (bind_transceiver => 'trx', bind_transmitter => 'tx', bind_receiver => 'rx');
my %name;    # command number -> name
for my $n (qw(generic_nack bind_receiver bind_receiver_resp bind_transmitter bind_transmitter_resp
    query_sm query_sm_resp submit_sm submit_sm_resp deliver_sm deliver_sm_resp unbind unbind_resp
    replace_sm replace_sm_resp cancel_sm cancel_sm_resp bind_transceiver bind_transceiver_resp outbind
    enquire_link enquire_link_resp submit_multi submit_multi_resp alert_notification data_sm data_sm_resp))
{
    no strict 'refs';
    $name{ &{"Net::SMPP::CMD_$n"}() } = $n;
}

my %session;    # socket -> { socket, mode, system_id, mo_at }
my %queued;     # system_id -> receipts kept until a receiving session binds
my $last_id = 0;
my $json = JSON::PP->new->canonical;

sub report {
    my ($s, $p, $got) = @_;
    my $dest = $p->{destination_addr} // '';
    $dest = join ',', @$dest if ref $dest;
    my %o = (
        got               => $got,
        system_id         => $s->{system_id} // $p->{system_id} // '',
        source_addr       => $p->{source_addr} // '',
        destination_addr  => $dest,
        short_message_hex => unpack('H*', $p->{short_message} // ''),
        sequence_number   => $p->{seq},
    );
    $o{command_status} = $p->{status} if $p->{status};
    for my $k (qw(esm_class data_coding registered_delivery)) { $o{$k} = $p->{$k} if $p->{$k} }
    $o{message_id} = $p->{message_id} if length($p->{message_id} // '');
    $o{message_payload_hex} = unpack('H*', $p->{message_payload}) if defined $p->{message_payload};
    print $json->encode(\%o), "\n";
}

sub receipt_text {
    return "id:$_[0] sub:001 dlvrd:001 submit date:2401011200 done date:2401011201 stat:DELIVRD err:000 text:x";
}

sub receives { return ($_[0]{mode} // 'tx') ne 'tx' }

# The receipt goes to the submitting session if that can receive, else to any
# receiving session of the same system_id, else it waits for one.
sub send_receipt {
    my ($s, %receipt) = @_;
    my ($to) = grep { receives($_) && $_->{system_id} eq $s->{system_id} } $s, values %session;
    if   ($to) { $to->{socket}->deliver_sm(%receipt, async => 1) }
    else       { push @{ $queued{ $s->{system_id} } }, \%receipt }
}

sub forget {
    my ($select, $s) = @_;
    $select->remove($s->{socket});
    delete $session{ $s->{socket} };
    close $s->{socket};
}

# Answers one PDU; false when the session is to be closed.
sub handle {
    my ($s, $p, $got) = @_;
    my ($c, %re) = ($s->{socket}, seq => $p->{seq}, status => 0);

    if (my $mode = $binds{$got}) {
        my $answer = "${got}_resp";
        if ($s->{mode}) {
            $c->$answer(%re, status => 5, system_id => '');
            return 1;
        }
        if ($p->{system_id} =~ /^refuse-(\d+)$/) {
            $c->$answer(%re, status => $1, system_id => '');
            return 0;
        }
        @$s{qw(mode system_id)} = ($mode, $p->{system_id});
        $c->$answer(%re, system_id => 'PERLSMSC', sc_interface_version => pack('C', 0x34));
        return 1 if $mode eq 'tx';
        my @receipts = @{ delete $queued{ $s->{system_id} } // [] };
        push @receipts, {
            source_addr   => '66812345678', destination_addr => '12345', esm_class => 4,
            short_message => receipt_text('made-up-1'),
        } if $mode eq 'rx' && !@receipts;
        $c->deliver_sm(%$_, async => 1) for @receipts;
        $s->{mo_at} = time + 0.3;
        return 1;
    }
    if ($got eq 'unbind') {
        $s->{mode} = undef;
        $c->unbind_resp(%re);
        return 0;
    }
    if ($got eq 'enquire_link') { $c->enquire_link_resp(%re); return 1 }
    return 1 if $got =~ /_resp$|^generic_nack$/;

    # Everything else is for bound sessions only.
    if (!$s->{mode}) { $c->generic_nack(%re, status => 4); return 1 }
    my $id = 'perl-' . ++$last_id;
    if ($got eq 'submit_sm') {
        $c->submit_sm_resp(%re, message_id => $id);
        send_receipt(
            $s,
            source_addr_ton => $p->{dest_addr_ton},   source_addr_npi => $p->{dest_addr_npi},
            dest_addr_ton   => $p->{source_addr_ton}, dest_addr_npi   => $p->{source_addr_npi},
            source_addr     => $p->{destination_addr}, destination_addr => $p->{source_addr},
            esm_class       => 4, short_message => receipt_text($id),
        ) if $p->{registered_delivery} & 3;
    }
    elsif ($got eq 'submit_multi') { $c->submit_multi_resp(%re, message_id => $id, destination_addr => [], error_status_code => [0]) }
    elsif ($got eq 'data_sm')    { $c->data_sm_resp(%re, message_id => $id) }
    elsif ($got eq 'query_sm')   { $c->query_sm_resp(message_id => $p->{message_id}, final_date => '', message_state => 2, error_code => 0, %re) }
    elsif ($got eq 'cancel_sm')  { $c->cancel_sm_resp(%re) }
    elsif ($got eq 'replace_sm') { $c->replace_sm_resp(%re) }
    else                         { $c->generic_nack(%re, status => 3) }
    return 1;
}

my $listener = Net::SMPP->new_listen('127.0.0.1', port => $port, smpp_version => 0x34, enquire_interval => 0)
    or die "net_smpp_smsc: cannot listen on port $port: $!\n";
my $select = IO::Select->new($listener);
print 'listening ', $listener->sockport, "\n";

while (1) {
    for my $fh ($select->can_read(0.05)) {
        if ($fh == $listener) {
            my $c = $listener->accept or next;
            $c->setsockopt(SOL_SOCKET, SO_RCVTIMEO, pack('l!l!', 2, 0));    # a stuck peer is dropped
            $session{$c} = { socket => $c };
            $select->add($c);
            next;
        }
        my $s = $session{$fh} or next;
        $! = 0;    # the library would take an old EINTR for a new one
        my $p = $fh->read_pdu;
        if (!$p) { forget($select, $s); next }
        my $got = $name{ $p->{cmd} } // 'unknown';
        report($s, $p, $got);
        handle($s, $p, $got) or forget($select, $s);
    }
    for my $s (values %session) {
        next unless $s->{mo_at} && $s->{mo_at} <= time;
        delete $s->{mo_at};
        $s->{socket}->deliver_sm(
            source_addr_ton  => 1, source_addr_npi => 1, source_addr => '66812345678',
            destination_addr => '12345', short_message => $_, async => 1,
        ) for 'mo please tapis-block-me', 'mo hello';
    }
}
