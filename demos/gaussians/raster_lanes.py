"""Eight float32 in one register, for numba: the rasteriser works on eight pixels of a row at a time.

numba has no vectors, and LLVM does not find these by itself (its check whether arrays overlap costs more than eight
pixels). The operations below write LLVM's vector instructions, which every processor gets in its own width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from demos.gaussians.raster_jit import Array, inlined
from demos.gaussians.raster_project import LOG2_255

WIDTH: Final = 8  # lanes
GREATEST_ALPHA: Final = 0.99
LEAST_TRANSMITTANCE: Final = 1e-4

# 2^f on [-1/2, 1/2], a polynomial from f^5 down to 1: through Chebyshev's points, 1.1e-7 off at most.
_NODES: Final = np.cos(np.pi * (np.arange(6) + 0.5) / 6) / 2
_EXP2: Final = tuple(np.polyfit(_NODES, 2.0**_NODES, 5).tolist())
_ROUND: Final = 1.5 * 2.0**23  # added to a float32, leaves the nearest whole number in its lowest bits

# Constants, eight equal numbers each. They are read from memory: written into the code, LLVM would load each anew
# through a register of its own.
_TABLE: Final = (_ROUND, *_EXP2, GREATEST_ALPHA, -LOG2_255, LEAST_TRANSMITTANCE, 0.0)
_ROUND_AT, _EXP2_AT, _GREATEST_AT, _CUT_AT, _LEAST_AT = 0, 1, 7, 8, 9
ZERO: Final = 10 * WIDTH
ACROSS: Final = 11 * WIDTH

Lanes: TypeAlias = Any  # a LanesType value, as mypy sees it
_VECTOR: Final = ir.VectorType(ir.FloatType(), WIDTH)
_WHOLE: Final = ir.VectorType(ir.IntType(32), WIDTH)


class LanesType(types.Type):
    """numba's name for eight float32 in one register."""

    def __init__(self) -> None:
        """The one such type."""
        super().__init__(name="lanes")


LANES: Final = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    """Held as a vector of LLVM."""

    def __init__(self, manager: Any, kind: Any) -> None:
        """See numba.extending."""
        super().__init__(manager, kind, _VECTOR)


def _operation(definition: Callable[..., Any]) -> Any:
    """An operation inside loops, from a function that gives its type and writes its instructions."""
    return intrinsic(definition)


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Where in its first argument, an array, an operation's second argument points; negative indices do not wrap."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


def _spread(builder: Any, value: Any) -> Any:
    """One float in all lanes."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_WHOLE, [0] * WIDTH))


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, fused where the processor can."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{WIDTH}f32"), [a, b, c])


@_operation
def load(typing: Any, array: Any, index: Any) -> Any:
    """array[index : index + 8]."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments)
        return builder.load(builder.bitcast(address, _VECTOR.as_pointer()), align=4)

    return LANES(array, types.intp), build


@_operation
def ask_for(typing: Any, array: Any, index: Any) -> Any:
    """Tell the processor that array[index] will be read soon."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, whole = ir.IntType(8).as_pointer(), ir.IntType(32)
        address = builder.bitcast(_address(context, builder, signature, arguments), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, whole, whole, whole])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(prefetch, [address, whole(0), whole(3), whole(1)])  # to read, keep near, data
        return context.get_dummy_value()

    return types.void(array, types.intp), build


@_operation
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + 8] = value."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments)
        builder.store(arguments[2], builder.bitcast(address, _VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES), build


@_operation
def spread_at(typing: Any, array: Any, index: Any) -> Any:
    """array[index] in all lanes."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _spread(builder, builder.load(_address(context, builder, signature, arguments)))

    return LANES(array, types.intp), build


@_operation
def spread(typing: Any, value: Any) -> Any:
    """A float32 in all lanes."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _spread(builder, arguments[0])

    return LANES(types.float32), build


@_operation
def store_turned(typing: Any, array: Any, index: Any, target: Any, at: Any, stride: Any) -> Any:
    """target[at + i stride : at + i stride + 8] = array[index + i : index + 64 : 8] for i = 0 to 7."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        goal = context.make_array(signature.args[2])(context, builder, arguments[2]).data
        rows = []
        for i in range(WIDTH):
            address = builder.gep(source, [builder.add(arguments[1], ir.Constant(ir.IntType(64), i * WIDTH))])
            rows.append(builder.load(builder.bitcast(address, _VECTOR.as_pointer()), align=4))
        for step in (1, 2, 4):  # exchange the blocks beside the diagonal: of one, two, four lanes
            turned = list(rows)
            for i in range(WIDTH):
                if not i & step:
                    upper, lower = rows[i], rows[i + step]
                    for place, shift in ((i, 0), (i + step, step)):
                        lanes = [k + shift if not k & step else WIDTH + k - step + shift for k in range(WIDTH)]
                        turned[place] = builder.shuffle_vector(upper, lower, ir.Constant(_WHOLE, lanes))
            rows = turned
        for i, row in enumerate(rows):
            place = builder.add(arguments[3], builder.mul(arguments[4], ir.Constant(ir.IntType(64), i)))
            builder.store(row, builder.bitcast(builder.gep(goal, [place]), _VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, target, types.intp, types.intp), build


@_operation
def store_woven(typing: Any, array: Any, index: Any, a: Any, b: Any, c: Any) -> Any:
    """array[index : index + 24] = a0, b0, c0, a1, b1, c1, ..."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        a, b, c = arguments[2:]
        twice = ir.VectorType(ir.IntType(32), 2 * WIDTH)
        pairs = builder.shuffle_vector(a, b, ir.Constant(twice, list(range(2 * WIDTH))))
        rest = builder.shuffle_vector(c, c, ir.Constant(twice, list(range(2 * WIDTH))))
        for part in range(3):
            places = range(part * WIDTH, (part + 1) * WIDTH)
            lanes = [place // 3 + (0, WIDTH, 2 * WIDTH)[place % 3] for place in places]
            address = builder.gep(data, [builder.add(arguments[1], ir.Constant(ir.IntType(64), part * WIDTH))])
            woven = builder.shuffle_vector(pairs, rest, ir.Constant(_WHOLE, lanes))
            builder.store(woven, builder.bitcast(address, _VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES, LANES, LANES), build


@_operation
def subtract(typing: Any, a: Any, b: Any) -> Any:
    """Return a - b."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fsub(*arguments)

    return LANES(LANES, LANES), build


@_operation
def mean_or_inf(typing: Any, total: Any, weight: Any) -> Any:
    """Return total / weight, inf where the weight is 0."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, weight = arguments
        is_seen = builder.fcmp_ordered(">", weight, ir.Constant(_VECTOR, [0.0] * WIDTH))
        infinite = ir.Constant(_VECTOR, [float("inf")] * WIDTH)
        return builder.select(is_seen, builder.fdiv(total, weight), infinite)

    return LANES(LANES, LANES), build


@_operation
def multiply_add(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _multiply_add(builder, *arguments)

    return LANES(LANES, LANES, LANES), build


@_operation
def add(typing: Any, a: Any, b: Any) -> Any:
    """Return a + b."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(*arguments)

    return LANES(LANES, LANES), build


@_operation
def exponent(typing: Any, across: Any, centre: Any, k: Any, base: Any) -> Any:
    """Return base - k (across - centre)^2: E of the module raster_project along a row of pixels."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        across, centre, k, base = arguments
        offset = builder.fsub(across, centre)
        return _multiply_add(builder, builder.fneg(builder.fmul(offset, k)), offset, base)

    return LANES(LANES, LANES, LANES, LANES), build


@_operation
def weigh(typing: Any, log_alpha: Any, transmittance: Any, constants: Any) -> Any:
    """(w, T after) of eight pixels, from their log2 alpha and T; ``constants`` come from :func:`constant_lanes`."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        exponents, before, table = arguments
        data = context.make_array(signature.args[2])(context, builder, table).data

        def constant(place: int) -> Any:
            address = builder.gep(data, [ir.Constant(ir.IntType(64), place * WIDTH)])
            return builder.load(builder.bitcast(address, _VECTOR.as_pointer()), align=4)

        zero = ir.Constant(_VECTOR, [0.0] * WIDTH)
        # 2^E: the nearest whole number goes into the exponent's bits, the rest through the polynomial (Estrin's
        # order: the shortest wait). Where E is far below the cut the bits are nonsense, and the cut takes them away.
        shifted = builder.fadd(exponents, constant(_ROUND_AT))
        rest = builder.fsub(exponents, builder.fsub(shifted, constant(_ROUND_AT)))
        c5, c4, c3, c2, c1, c0 = (constant(_EXP2_AT + i) for i in range(6))
        square = builder.fmul(rest, rest)
        low, middle = _multiply_add(builder, c1, rest, c0), _multiply_add(builder, c3, rest, c2)
        high = _multiply_add(builder, c5, rest, c4)
        power = _multiply_add(builder, _multiply_add(builder, high, square, middle), square, low)
        steps = builder.shl(builder.bitcast(shifted, _WHOLE), ir.Constant(_WHOLE, [23] * WIDTH))
        alpha = builder.bitcast(builder.add(builder.bitcast(power, _WHOLE), steps), _VECTOR)
        greatest = constant(_GREATEST_AT)
        alpha = builder.select(builder.fcmp_ordered("<", alpha, greatest), alpha, greatest)
        alpha = builder.select(builder.fcmp_ordered(">=", exponents, constant(_CUT_AT)), alpha, zero)
        weight = builder.fmul(alpha, before)
        after = builder.fsub(before, weight)
        goes_on = builder.fcmp_ordered(">=", after, constant(_LEAST_AT))
        pair = [builder.select(goes_on, weight, zero), builder.select(goes_on, after, zero)]
        return context.make_tuple(builder, signature.return_type, pair)

    return types.UniTuple(LANES, 2)(LANES, LANES, constants), build


@_operation
def lanes_above(typing: Any, value: Any, bound: Any) -> Any:
    """A bit for every lane where value > bound, lowest lane first, as a whole number."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(builder.fcmp_ordered(">", *arguments), ir.IntType(WIDTH))
        return builder.zext(bits, ir.IntType(64))

    return types.intp(LANES, LANES), build


@_operation
def lowest_bit(typing: Any, bits: Any) -> Any:
    """Place of the lowest bit of a number that is not 0."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.intp(types.intp), build


@inlined()
def constant_lanes() -> Array:
    """The table that :func:`weigh` reads, and after it, from ``ZERO`` and ``ACROSS`` on, eight zeros and 0 to 7."""
    table = np.empty(ACROSS + WIDTH, np.float32)
    for place in range(len(_TABLE)):
        for lane in range(WIDTH):
            table[place * WIDTH + lane] = _TABLE[place]
    for lane in range(WIDTH):
        table[ACROSS + lane] = lane
    return table
