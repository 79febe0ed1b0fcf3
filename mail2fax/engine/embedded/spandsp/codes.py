"""The completion codes of a T.30 session, by libspandsp's numbers, and what kind of end each one is."""

from collections.abc import Mapping
from enum import IntEnum

from mail2fax.model.call import FaxFault


class CompletionCode(IntEnum):
    """`T30_ERR_*` of libspandsp's t30.h; 0.0.6 and 3.0 number them alike."""

    OK = 0
    CEDTONE = 1
    T0_EXPIRED = 2
    T1_EXPIRED = 3
    T3_EXPIRED = 4
    HDLC_CARRIER = 5
    CANNOT_TRAIN = 6
    OPER_INT_FAIL = 7
    INCOMPATIBLE = 8
    RX_INCAPABLE = 9
    TX_INCAPABLE = 10
    NORESSUPPORT = 11
    NOSIZESUPPORT = 12
    UNEXPECTED = 13
    TX_BADDCS = 14
    TX_BADPG = 15
    TX_ECMPHD = 16
    TX_GOTDCN = 17
    TX_INVALRSP = 18
    TX_NODIS = 19
    TX_PHBDEAD = 20
    TX_PHDDEAD = 21
    TX_T5EXP = 22
    RX_ECMPHD = 23
    RX_GOTDCS = 24
    RX_INVALCMD = 25
    RX_NOCARRIER = 26
    RX_NOEOL = 27
    RX_NOFAX = 28
    RX_T2EXPDCN = 29
    RX_T2EXPD = 30
    RX_T2EXPFAX = 31
    RX_T2EXPMPS = 32
    RX_T2EXPRR = 33
    RX_T2EXP = 34
    RX_DCNWHY = 35
    RX_DCNDATA = 36
    RX_DCNFAX = 37
    RX_DCNPHD = 38
    RX_DCNRRD = 39
    RX_DCNNORTN = 40
    FILEERROR = 41
    NOPAGE = 42
    BADTIFF = 43
    BADPAGE = 44
    BADTAG = 45
    BADTIFFHDR = 46
    NOMEM = 47
    RETRYDCN = 48
    CALLDROPPED = 49
    NOPOLL = 50
    IDENT_UNACCEPTABLE = 51
    SUB_UNACCEPTABLE = 52
    SEP_UNACCEPTABLE = 53
    PSA_UNACCEPTABLE = 54
    SID_UNACCEPTABLE = 55
    PWD_UNACCEPTABLE = 56
    TSA_UNACCEPTABLE = 57
    IRA_UNACCEPTABLE = 58
    CIA_UNACCEPTABLE = 59
    ISP_UNACCEPTABLE = 60
    CSA_UNACCEPTABLE = 61


UNFINISHED = -1
"""What stands for the code of a session that has none yet."""

_FAULTS: Mapping[int, FaxFault] = {
    CompletionCode.OK: FaxFault.NONE,
    CompletionCode.T0_EXPIRED: FaxFault.NO_FAX,
    CompletionCode.T1_EXPIRED: FaxFault.NO_FAX,
    CompletionCode.TX_NODIS: FaxFault.NO_FAX,
    # The far end refused our training or never answered it: a slower modem is the remedy for all three.
    CompletionCode.CANNOT_TRAIN: FaxFault.TRAINING,
    CompletionCode.TX_BADDCS: FaxFault.TRAINING,
    CompletionCode.TX_PHBDEAD: FaxFault.TRAINING,
    CompletionCode.INCOMPATIBLE: FaxFault.INCOMPATIBLE,
    CompletionCode.RX_INCAPABLE: FaxFault.INCOMPATIBLE,
    CompletionCode.TX_INCAPABLE: FaxFault.INCOMPATIBLE,
    CompletionCode.NORESSUPPORT: FaxFault.INCOMPATIBLE,
    CompletionCode.NOSIZESUPPORT: FaxFault.INCOMPATIBLE,
    CompletionCode.TX_BADPG: FaxFault.DROPPED,
    CompletionCode.TX_PHDDEAD: FaxFault.DROPPED,
    CompletionCode.RX_NOCARRIER: FaxFault.DROPPED,
    CompletionCode.CALLDROPPED: FaxFault.DROPPED,
    CompletionCode.NOMEM: FaxFault.LOCAL,
    CompletionCode.OPER_INT_FAIL: FaxFault.REFUSED,
}
# Codes that stand together in t30.h and mean the same to us; each range with both its ends.
_FAULTS_OF_RANGES = (
    (CompletionCode.RX_T2EXPDCN, CompletionCode.RX_DCNNORTN, FaxFault.DROPPED),
    (CompletionCode.FILEERROR, CompletionCode.BADTIFFHDR, FaxFault.DOCUMENT),
    (CompletionCode.NOPOLL, CompletionCode.CSA_UNACCEPTABLE, FaxFault.REFUSED),
)


def name_of(code: int) -> str:
    """The short name of a completion code, as libspandsp has it without its prefix; "" while there is none."""
    if code == UNFINISHED:
        return ""
    try:
        return CompletionCode(code).name
    except ValueError:
        return f"CODE_{code}"


def fault_of(code: int) -> FaxFault:
    """The kind of end that a completion code means by itself; a code nobody knows is a protocol fault.

    What the session knows besides (pages confirmed, nothing ever heard) is `terminal.py`'s to add.
    """
    for first, last, fault in _FAULTS_OF_RANGES:
        if first <= code <= last:
            return fault
    return _FAULTS.get(code, FaxFault.PROTOCOL)
