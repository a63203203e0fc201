"""The LSTM that is written out is torch's, states carry on, and padding changes nothing."""

import pytest
import torch
from torch import Tensor, nn

from engine.errors import InputError
from lightning_modules.recurrent import PeepholeLSTM, Recurrent, ScratchLSTM, TorchLayer

CELLS = ("rnn", "gru", "lstm", "scratch", "peephole")
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
def test_two_halves_with_the_state_carried_equal_the_whole(cell: str) -> None:
    network = recurrent(cell, layers=2)
    whole, end = network(inputs())
    first, middle = network(inputs()[:, :3])
    second, after = network(inputs()[:, 3:], middle)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    for ours, theirs in zip(after, end, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_neither_outputs_nor_gradients(cell: str, layers: int, bidirectional: bool) -> None:
    network = recurrent(cell, layers=layers, bidirectional=bidirectional)
    lengths = torch.tensor([7, 3, 1])
    results = []
    for padding in (0.0, 9.0):
        x = torch.cat([inputs(), torch.full((B, 4, WIDTH), padding)], 1)
        for row, length in enumerate(lengths.tolist()):
            x[row, length:] = padding
        x.requires_grad_()
        outputs, last = network.encode(x, lengths)
        valid = torch.cat([outputs[row, :length] for row, length in enumerate(lengths.tolist())])
        weights = [p.grad for p in network.parameters()]
        network.zero_grad()
        (valid.square().sum() + last.sum()).backward()
        weights = [p.grad.clone() for p in network.parameters()]
        results.append([valid, last, x.grad, *weights])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert results[0][2][2, 1:].abs().max() == 0


def test_both_directions_equal_torchs_on_packed_sequences() -> None:
    ours, theirs = (
        recurrent("lstm", layers=2, bidirectional=True),
        nn.LSTM(WIDTH, H, 2, bidirectional=True, batch_first=True),
    )
    weights = {}
    for end, layers in (("", ours.layers), ("_reverse", ours.backward_layers)):
        for number, layer in enumerate(layers):
            for name, value in layer.weights.state_dict().items():
                weights[name.replace("_l0", f"_l{number}") + end] = value
    theirs.load_state_dict(weights)
    lengths = torch.tensor([7, 3, 1])
    packed = nn.utils.rnn.pack_padded_sequence(inputs(), lengths, batch_first=True)
    outputs, (h, _) = theirs(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
    mine, last = ours.encode(inputs(), lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(mine[row, :length], expected[row, :length])
    torch.testing.assert_close(last, torch.cat([h[2], h[3]], 1))


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


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("kind", "bound"), [("glorot", None), ("third", 1 / (3 * (64 + 32) ** 0.5))])
def test_weights_start_within_their_bound_and_without_biases(cell: str, kind: str, bound: float | None) -> None:
    torch.manual_seed(0)
    (layer,) = Recurrent(cell, 64, 32, initializer=kind).layers
    bound = bound or (6 / (64 + 32 + 32 * layer.gates)) ** 0.5
    for matrix in (layer.weights.weight_ih_l0, layer.weights.weight_hh_l0):
        assert 0.98 * bound < matrix.abs().max() <= bound
    assert layer.weights.bias_ih_l0.abs().max() == layer.weights.bias_hh_l0.abs().max() == 0


def test_orthogonal_recurrent_matrices_are_so_gate_by_gate() -> None:
    (layer,) = Recurrent("lstm", WIDTH, H, initializer="orthogonal").layers
    for gate in layer.weights.weight_hh_l0.split(H):
        torch.testing.assert_close(gate @ gate.T, torch.eye(H))


@pytest.mark.parametrize("cell", ["lstm", "scratch", "peephole"])
def test_the_forget_gates_bias_alone_is_raised(cell: str) -> None:
    (layer,) = Recurrent(cell, WIDTH, H, initializer="glorot", forget_bias=1.0).layers
    assert layer.weights.bias_ih_l0.tolist() == [0.0] * H + [1.0] * H + [0.0] * 2 * H


def test_the_cell_stays_exact_under_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        _, ((_, c),) = recurrent("scratch")(inputs())
    assert c.dtype == torch.float32


def test_torchs_layers_are_torchs() -> None:
    assert all(isinstance(recurrent(cell).layers[0], TorchLayer) for cell in ("rnn", "gru", "lstm"))


@pytest.mark.parametrize(("settings", "said"), [({"layers": 0}, "layers is 0"), ({"dropout": 1.0}, "dropout is 1")])
def test_sizes_out_of_range_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(InputError, match=f"model.{said}"):
        recurrent("lstm", **settings)
