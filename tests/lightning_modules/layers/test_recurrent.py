"""The LSTM that is written out is torch's, states carry on, and padding changes nothing."""

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers import recurrent_cells
from lightning_modules.layers.recurrent import Recurrent, Turned
from lightning_modules.layers.recurrent_cells import CELLS, Cell, PeepholeLSTM, ScratchLSTM, TorchLayer

B, T, WIDTH, H = 3, 7, 5, 4


def recurrent(cell: str, **settings: object) -> Recurrent:
    """Returns a stack with weights that all differ, peepholes included."""
    torch.manual_seed(0)
    network = Recurrent(cell, WIDTH, H, **settings)
    for layer in (*network.layers, *network.backward_layers):
        if isinstance(layer, PeepholeLSTM):
            nn.init.normal_(layer.peepholes)
    return network


def inputs(*shape: int) -> Tensor:
    """Returns noise."""
    return torch.randn(*(shape or (B, T, WIDTH)), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_lstm_written_out_equals_torchs_in_outputs_states_and_gradients(dtype: torch.dtype) -> None:
    ours, theirs = ScratchLSTM(WIDTH, H).to(dtype), nn.LSTM(WIDTH, H, batch_first=True).to(dtype)
    ours.weights.load_state_dict(theirs.state_dict())
    results = []
    for network in (ours, theirs):
        x, h, c = (inputs(*shape).to(dtype).requires_grad_() for shape in ((B, T, WIDTH), (B, H), (B, H)))
        outputs, state = ours(x, (h, c)) if network is ours else theirs(x, (h[None], c[None]))
        h_end, c_end = (tensor.view(B, H) for tensor in state)
        (outputs * inputs(B, T, H).to(dtype)).sum().add((h_end * c_end).sum()).backward()
        gradients = dict(network.named_parameters())
        results.append([outputs, h_end, c_end, x.grad, h.grad, c.grad])
        results[-1] += [gradients[name].grad for name in sorted(gradients)]
    for mine, other in zip(*results, strict=True):
        torch.testing.assert_close(mine, other)
    theirs.load_state_dict(ours.weights.state_dict())


def test_peepholes_of_zero_leave_an_lstm_and_others_change_what_its_gates_see() -> None:
    torch.manual_seed(0)
    peephole, plain = PeepholeLSTM(WIDTH, H), ScratchLSTM(WIDTH, H)
    plain.weights.load_state_dict(peephole.weights.state_dict())
    torch.testing.assert_close(peephole(inputs(), None)[0], plain(inputs(), None)[0])
    for gate in range(3):
        with torch.no_grad():
            peephole.peepholes.zero_()[gate] = 1.0
        assert not torch.allclose(peephole(inputs(), None)[0], plain(inputs(), None)[0]), gate


def test_a_peephole_step_is_the_papers() -> None:
    layer = PeepholeLSTM(1, 1)
    with torch.no_grad():
        layer.peepholes.copy_(torch.tensor([[0.5], [-0.3], [0.7]]))
    sums, cell = torch.tensor([[0.1, 0.2, 0.3, 0.4]]), torch.tensor([[2.0]])
    h, c = layer.step(sums, cell)
    new = torch.sigmoid(torch.tensor(0.2 - 0.6)) * 2 + torch.sigmoid(torch.tensor(0.1 + 1.0)) * torch.tanh(
        torch.tensor(0.3)
    )
    torch.testing.assert_close(c.squeeze(), new)
    torch.testing.assert_close(h.squeeze(), torch.sigmoid(0.4 + 0.7 * new) * torch.tanh(new))


@pytest.mark.parametrize("cell", CELLS)
def test_no_state_is_one_of_zeros_and_another_is_read(cell: str) -> None:
    (layer,) = recurrent(cell).layers
    tensors = 2 if cell in ("lstm", "scratch", "peephole") else 1
    outputs, state = layer(inputs(), None)
    assert outputs.shape == (B, T, H)
    assert [tensor.shape for tensor in state] == [(B, H)] * tensors
    torch.testing.assert_close(outputs[:, -1], state[0])
    torch.testing.assert_close(layer(inputs(), (torch.zeros(B, H),) * tensors)[0], outputs)
    for place in range(tensors):
        other = tuple(torch.full((B, H), float(place == number)) for number in range(tensors))
        assert not torch.allclose(layer(inputs(), other)[0], outputs), place


@pytest.mark.parametrize("cell", CELLS)
def test_two_halves_with_the_state_carried_equal_the_whole(cell: str) -> None:
    network = recurrent(cell, layers=2)
    whole, end = network(inputs())
    first, middle = network(inputs()[:, :3])
    second, after = network(inputs()[:, 3:], middle)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    for ours, theirs in zip(after, end, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_gradient_of_turned_sequences_is_autograds_and_is_not_added_up() -> None:
    rows, places = torch.arange(2)[:, None], torch.tensor([[2, 1, 0, 3], [0, 1, 2, 3]])
    x, weights = inputs(2, 4, 5).requires_grad_(), inputs(2, 4, 10)
    found = []
    for turned in (Turned.apply(x, rows, places), x[rows, places]):
        (gradient,) = torch.autograd.grad((weights[..., 5:] * torch.cat([x, turned], 2)[..., 5:]).sum(), x)
        found.append((turned, gradient))
    for ours, theirs in zip(*found, strict=True):
        assert torch.equal(ours, theirs)
    network = recurrent("lstm", layers=2, bidirectional=True)
    outputs, last = network.encode(inputs().requires_grad_(), torch.tensor([7, 3, 1]))
    (outputs.sum() + last.sum()).backward(retain_graph=True)
    left, kinds = [outputs.grad_fn], set()
    while left:
        node = left.pop()
        kinds.add(type(node).__name__)
        left += [before for before, _ in node.next_functions if before is not None]
    assert "TurnedBackward" in kinds
    with torch.no_grad():
        again, _ = network.encode(inputs(), torch.tensor([7, 3, 1]))  # as an exporter reads it
    torch.testing.assert_close(again, outputs)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_neither_outputs_nor_gradients(cell: str, layers: int, bidirectional: bool) -> None:
    network = recurrent(cell, layers=layers, bidirectional=bidirectional)
    lengths = torch.tensor([7, 3, 1])
    results = []
    for padding in (torch.zeros(B, 11, WIDTH), 9 * inputs(B, 11, WIDTH)):
        x = torch.cat([inputs(), padding[:, 7:]], 1)
        for row, length in enumerate(lengths.tolist()):
            x[row, length:] = padding[row, length:]
        x.requires_grad_()
        outputs, last = network.encode(x, lengths)
        valid = torch.cat([outputs[row, :length] for row, length in enumerate(lengths.tolist())])
        network.zero_grad()
        (valid.square().sum() + last.sum()).backward()
        weights = [p.grad.clone() for p in network.parameters()]
        results.append([valid, last, x.grad, *weights])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert all(result[2][row, length:].abs().max() == 0 for result in results for row, length in enumerate(lengths))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("cell", "kind"), [("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM), ("scratch", nn.LSTM)])
def test_both_directions_equal_torchs_on_packed_sequences(cell: str, kind: type[nn.RNNBase], layers: int) -> None:
    ours = recurrent(cell, layers=layers, bidirectional=True)
    theirs = kind(WIDTH, H, layers, bidirectional=True, batch_first=True)
    pairs = {}  # torch's name of each of our weights
    for end, stack in (("", ours.layers), ("_reverse", ours.backward_layers)):
        for number, layer in enumerate(stack):
            for name, value in layer.weights.named_parameters():
                pairs[name.replace("_l0", f"_l{number}") + end] = value
    theirs.load_state_dict(pairs)
    lengths = torch.tensor([3, 7, 1])
    packed = nn.utils.rnn.pack_padded_sequence(inputs(), lengths, batch_first=True, enforce_sorted=False)
    outputs, state = theirs(packed)
    h = state[0] if kind is nn.LSTM else state
    expected, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
    mine, last = ours.encode(inputs(), lengths)
    mine = torch.where(torch.arange(T)[None, :, None] < lengths[:, None, None], mine, 0.0)  # torch's padding
    torch.testing.assert_close(mine, expected)
    torch.testing.assert_close(last, torch.cat([h[-2], h[-1]], 1))
    for results, end in ((expected, torch.cat([h[-2], h[-1]], 1)), (mine, last)):
        (results.square().sum() + end.sum()).backward()
    for name, value in theirs.named_parameters():
        torch.testing.assert_close(pairs[name].grad, value.grad, msg=lambda said, name=name: f"{name}: {said}")


def test_the_last_output_is_that_of_each_sequences_end() -> None:
    network = recurrent("gru")
    outputs, last = network.encode(inputs(), torch.tensor([7, 3, 1]))
    torch.testing.assert_close(last, torch.stack([outputs[0, 6], outputs[1, 2], outputs[2, 0]]))


def test_dropout_acts_on_every_layers_outputs_in_training_alone() -> None:
    network = recurrent("lstm", layers=1, dropout=0.5)
    outputs, _ = network(inputs())
    assert 0.2 < (outputs == 0).float().mean() < 0.8
    network.eval()
    assert (network(inputs())[0] != 0).all()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_dropout_acts_between_layers_too(bidirectional: bool) -> None:
    network = recurrent("lstm", layers=2, dropout=0.5, bidirectional=bidirectional)
    read = []
    network.layers[1].register_forward_pre_hook(lambda layer, arguments: read.append(arguments[0]))
    network.encode(inputs(), torch.tensor([7, 3, 1]))
    assert 0.2 < (read[0] == 0).float().mean() < 0.8


@pytest.mark.parametrize("cell", CELLS)
def test_weights_start_as_torchs_if_not_told_otherwise(cell: str) -> None:
    torch.manual_seed(0)
    (layer,) = Recurrent(cell, 64, 16).layers
    for weight in layer.weights.parameters():
        assert 0.8 / 16**0.5 < weight.abs().max() <= 1 / 16**0.5


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("kind", "bound"), [("glorot", None), ("third", 1 / (3 * (64 + 32) ** 0.5))])
def test_weights_start_within_their_bound_and_without_biases(cell: str, kind: str, bound: float | None) -> None:
    torch.manual_seed(0)
    (layer,) = Recurrent(cell, 64, 32, initializer=kind).layers
    bound = bound or (6 / (64 + 32 + 32 * layer.gates)) ** 0.5
    for matrix in (layer.weights.weight_ih_l0, layer.weights.weight_hh_l0):
        assert 0.98 * bound < matrix.abs().max() <= bound
    assert layer.weights.bias_ih_l0.abs().max() == layer.weights.bias_hh_l0.abs().max() == 0


def test_all_layers_start_within_a_third_of_the_first_ones_bound() -> None:
    torch.manual_seed(0)
    network = Recurrent("lstm", 16, 32, layers=2, bidirectional=True, initializer="third")
    for layer in (*network.layers, *network.backward_layers):
        assert 0.98 / (3 * 48**0.5) < layer.weights.weight_ih_l0.abs().max() <= 1 / (3 * 48**0.5)


@pytest.mark.parametrize("cell", CELLS)
def test_orthogonal_recurrent_matrices_are_so_gate_by_gate(cell: str) -> None:
    (layer,) = Recurrent(cell, 64, 8, initializer="orthogonal").layers
    for gate in layer.weights.weight_hh_l0.split(8):
        torch.testing.assert_close(gate @ gate.T, torch.eye(8))
    bound = (6 / (64 + 8 + 8 * layer.gates)) ** 0.5
    assert 0.9 * bound < layer.weights.weight_ih_l0.abs().max() <= bound
    assert layer.weights.bias_ih_l0.abs().max() == layer.weights.bias_hh_l0.abs().max() == 0


@pytest.mark.parametrize("cell", ["lstm", "scratch", "peephole"])
def test_the_forget_gates_bias_alone_is_raised(cell: str) -> None:
    (layer,) = Recurrent(cell, WIDTH, H, initializer="glorot", forget_bias=1.0).layers
    assert layer.weights.bias_ih_l0.tolist() == [0.0] * H + [1.0] * H + [0.0] * 2 * H


def test_a_forget_bias_is_added_to_what_torch_draws() -> None:
    plain, raised = (recurrent("lstm", forget_bias=bias).layers[0].weights for bias in (0.0, 1.0))
    assert plain.bias_ih_l0.abs().min() > 0
    torch.testing.assert_close(raised.bias_ih_l0 - plain.bias_ih_l0, torch.tensor([0.0, 1, 0, 0]).repeat_interleave(H))
    assert torch.equal(raised.bias_hh_l0, plain.bias_hh_l0)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_cells_without_a_forget_gate_have_no_such_bias(cell: str) -> None:
    plain, raised = (recurrent(cell, forget_bias=bias) for bias in (0.0, 1.0))
    assert all(torch.equal(p, q) for p, q in zip(plain.parameters(), raised.parameters(), strict=True))


@pytest.mark.parametrize("cell", ["scratch", "peephole"])
def test_the_cell_stays_exact_under_autocast(cell: str) -> None:
    network, before = recurrent(cell), [(torch.zeros(B, H).bfloat16(), torch.zeros(B, H).bfloat16())]
    for state in (None, before):
        with torch.autocast("cpu", torch.bfloat16):
            _, ((_, c),) = network(inputs(), state)
        assert c.dtype == torch.float32


@pytest.mark.parametrize("computes", [False, True])
def test_where_the_cpu_has_no_bfloat16_lstm_torchs_computes_in_float32(
    computes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if computes and not recurrent_cells.computes_lstms(torch.bfloat16):
        pytest.skip("oneDNN has no bfloat16 LSTM for this CPU")
    monkeypatch.setattr(recurrent_cells, "computes_lstms", lambda dtype: computes)
    network = recurrent("lstm", layers=2)
    expected, _ = network(inputs())
    with torch.autocast("cpu", torch.bfloat16):
        outputs, state = network(inputs().bfloat16())
        outputs, _ = network(inputs())
        network(inputs(), [tuple(tensor.bfloat16() for tensor in layer) for layer in state])
    assert torch.equal(outputs, expected) is not computes
    outputs.float().sum().backward()
    assert all(parameter.grad.dtype == torch.float32 for parameter in network.parameters())


def test_asking_what_the_cpu_computes_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    recurrent_cells.computes_lstms.__wrapped__(torch.bfloat16)
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_of_many_steps_add_up_exactly_under_autocast() -> None:
    torch.manual_seed(0)
    layer, x = ScratchLSTM(32, 32), inputs(32, 200, 32)
    gradients = []
    for autocast in (False, True):
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            outputs, _ = layer(x, None)
        (outputs.float() * inputs(32, 200, 32)).sum().backward()
        gradients.append(layer.weights.weight_hh_l0.grad)
    assert (gradients[1] - gradients[0]).norm() < 0.01 * gradients[0].norm()


def test_torchs_layers_are_torchs() -> None:
    kinds = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
    for cell, kind in kinds.items():
        (layer,) = recurrent(cell).layers
        assert isinstance(layer, TorchLayer)
        assert isinstance(layer.weights, kind)


def test_each_cell_that_can_be_named_can_be_made() -> None:
    assert tuple(CELLS) == get_args(Cell)


def test_both_directions_cannot_be_read_on_from() -> None:
    with pytest.raises(InputError, match="use encode"):
        recurrent("gru", bidirectional=True)(inputs())


def test_inputs_without_width_are_an_error() -> None:
    with pytest.raises(InputError, match="inputs are 0 wide"):
        Recurrent("scratch", 0, H)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"layers": 0}, "layers is 0"), ({"dropout": 1.0}, "dropout is 1"), ({"dropout": -0.1}, "dropout is -0.1")],
)
def test_sizes_out_of_range_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(InputError, match=f"model.{said}"):
        recurrent("lstm", **settings)
