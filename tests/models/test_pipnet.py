"""PIPNet against published counts and names, its decoding and loss against slow loops and a case worked by hand."""
import math

import pytest
import torch
import torchvision
from torch import nn

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint
from faceparse.inference.landmark_network import Landmarker
from faceparse.models.encoders import ENCODERS, make_encoder
from faceparse.models.pipnet import PIPNet, decode, nearest_neighbors, pip_loss
from faceparse.models.published_pipnet import describe_published, load_published, read_mean_face

COUNTS = {"resnet18": 11_978_844, "resnet50": 26_712_668, "resnet101": 45_704_796, "mobilenet_v2": 4_227_356}
NAN, INF = math.nan, math.inf


# The slow, plain way: one image, one landmark, one neighbour at a time, all in Python floats.

def slow_targets(points, neighbors, height, width):
    """(L, 2) -> {landmark: (row, column, x, y, [(nb_x, nb_y)])}; None for points that are NaN."""
    targets = {}
    for i, (x, y) in enumerate(points):
        if math.isnan(x) or math.isnan(y):
            continue
        x, y = (x + 0.5) / 32, (y + 0.5) / 32
        column, row = min(max(math.floor(x), 0), width - 1), min(max(math.floor(y), 0), height - 1)
        others = [None if math.isnan(points[j][0]) or math.isnan(points[j][1]) else
                  ((points[j][0] + 0.5) / 32 - column, (points[j][1] + 0.5) / 32 - row) for j in neighbors[i]]
        targets[i] = (row, column, x - column, y - row, others)
    return targets


def slow_loss(outputs, points, neighbors):
    height, width = outputs["score"].shape[-2:]
    maps, score, own, others = {k: v.tolist() for k, v in outputs.items()}, [], ([], []), ([], [])
    for b, face in enumerate(points.tolist()):
        for i, (row, column, x, y, around) in slow_targets(face, neighbors, height, width).items():
            for r in range(height):
                for c in range(width):
                    score.append((maps["score"][b][i][r][c] - ((r, c) == (row, column))) ** 2)
            own[0].append(abs(maps["x"][b][i][row][column] - x))
            own[1].append(abs(maps["y"][b][i][row][column] - y))
            for j, offset in enumerate(around):
                if offset is not None:
                    channel = len(neighbors[i]) * i + j
                    others[0].append(abs(maps["nb_x"][b][channel][row][column] - offset[0]))
                    others[1].append(abs(maps["nb_y"][b][channel][row][column] - offset[1]))
    return sum(weight * sum(terms) / max(len(terms), 1)
               for weight, terms in zip((10, 1, 1, 1, 1), (score, *own, *others)))


def slow_decode(outputs, neighbors):
    maps, count = {k: v.tolist() for k, v in outputs.items()}, len(neighbors[0])
    height, width = outputs["score"].shape[-2:]
    faces = []
    for b in range(len(outputs["score"])):
        cells = [max(((r, c) for r in range(height) for c in range(width)), key=lambda rc: score[rc[0]][rc[1]])
                 for score in maps["score"][b]]  # max keeps the first of equal ones
        votes = [[(maps["x"][b][i][r][c] + c, maps["y"][b][i][r][c] + r)] for i, (r, c) in enumerate(cells)]
        for i, (r, c) in enumerate(cells):
            for j, other in enumerate(neighbors[i]):
                channel = count * i + j
                votes[other].append((maps["nb_x"][b][channel][r][c] + c, maps["nb_y"][b][channel][r][c] + r))
        faces.append([[32 * sum(axis) / len(axis) - 0.5 for axis in zip(*points)] for points in votes])
    return torch.tensor(faces)


def perfect_maps(points, neighbors, height, width):
    """Maps whose loss for points (B, L, 2) is 0; their values are far off where the loss does not read them."""
    batch, landmarks, _ = points.shape
    count = len(neighbors[0])
    outputs = {"score": torch.zeros(batch, landmarks, height, width)}
    for name, per in (("x", 1), ("y", 1), ("nb_x", count), ("nb_y", count)):
        outputs[name] = torch.full((batch, landmarks * per, height, width), 77.0)
    for b, face in enumerate(points.tolist()):
        for i, (row, column, x, y, around) in slow_targets(face, neighbors, height, width).items():
            for name, channel, value in (("score", i, 1.0), ("x", i, x), ("y", i, y)):
                outputs[name][b, channel, row, column] = value
            for j, offset in enumerate(around):
                for name, value in zip(("nb_x", "nb_y"), offset or (NAN, NAN)):
                    outputs[name][b, count * i + j, row, column] = value
    return outputs


def random_case(batch=3, landmarks=9, count=4, height=3, width=5, seed=0):
    """Random maps and neighbours: no landmark lists landmark 0, all others list landmark 1."""
    torch.manual_seed(seed)
    distances = torch.rand(landmarks, landmarks).fill_diagonal_(9)
    distances[:, 0], distances[:, 1] = 8, -1
    distances[1, 1] = 9
    neighbors = distances.argsort(1)[:, :count]
    assert 0 not in neighbors and (neighbors == 1).sum() == landmarks - 1
    outputs = {name: torch.randn(batch, landmarks * per, height, width)
               for name, per in (("score", 1), ("x", 1), ("y", 1), ("nb_x", count), ("nb_y", count))}
    points = torch.rand(batch, landmarks, 2) * torch.tensor([32.0 * width, 32.0 * height]) - 0.5
    return outputs, neighbors, points


@pytest.mark.parametrize("encoder", COUNTS)
def test_parameter_counts(encoder):
    with torch.device("meta"):
        assert models.parameters_of(PIPNet(68, encoder)) == COUNTS[encoder]


def test_mobilenet_v3_large_is_torchvisions_with_five_taps():
    torch.manual_seed(0)
    theirs, ours = torchvision.models.mobilenet_v3_large().eval(), make_encoder("mobilenet_v3_large").eval()
    ours.load_state_dict({k: v for k, v in theirs.state_dict().items() if k.startswith("features.")}, strict=True)
    assert ENCODERS["mobilenet_v3_large"][1] == "MobileNet_V3_Large_Weights.IMAGENET1K_V1"
    images = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        maps = ours(images)
        torch.testing.assert_close(maps[-1], theirs.features(images))
    assert [tuple(m.shape) for m in maps] == [(1, c, 64 // s, 96 // s) for c, s in
                                              zip((16, 24, 40, 112, 960), (2, 4, 8, 16, 32))]
    assert ours.channels == (16, 24, 40, 112, 960)
    with torch.device("meta"):
        assert models.parameters_of(make_encoder("mobilenet_v3_large")) == 2_971_952  # 5,483,032 less the classifier
        wide = make_encoder("mobilenet_v3_large", output_stride=16, in_channels=11)
        assert wide(torch.empty(1, 11, 64, 64))[-1].shape == (1, 960, 4, 4)


@pytest.mark.parametrize("encoder", ("resnet18", "mobilenet_v2", "mobilenet_v3_large"))
def test_five_float_maps_at_stride_32_of_any_image(encoder):
    model = PIPNet(7, encoder, num_neighbors=3).eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        outputs = model(torch.randn(2, 3, 33, 100))
    assert {name: tuple(m.shape) for name, m in outputs.items()} == {
        "score": (2, 7, 2, 4), "x": (2, 7, 2, 4), "y": (2, 7, 2, 4), "nb_x": (2, 21, 2, 4), "nb_y": (2, 21, 2, 4)}
    assert all(m.dtype == torch.float32 for m in outputs.values())


def test_heads_start_small():
    for layer in PIPNet(68, "resnet18").head.values():
        assert layer.weight.std().item() == pytest.approx(0.001, rel=0.02) and not layer.bias.any()


def test_nearest_neighbors_by_hand():
    #   2
    #   .      0 . 1 on a line two apart, 2 above 0 at two, 3 far to the right
    #   0 . 1 . . . . . . 3
    face = [[0, 0], [2, 0], [0, -2], [9, 0]]
    assert nearest_neighbors(face, 2).tolist() == [[1, 2], [0, 2], [0, 1], [1, 0]]  # 0: 1 and 2 tie, lower first
    assert nearest_neighbors(face, 10).tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [1, 0, 2]]  # all there are
    assert nearest_neighbors([[0, 0]] * 3, 2).tolist() == [[1, 2], [0, 2], [0, 1]]  # never itself
    assert nearest_neighbors([[0, 0], [NAN, NAN], [5, 0]], 2).tolist() == [[2, 1], [0, 2], [0, 1]]
    assert nearest_neighbors([[0, 0]], 10).shape == (1, 0)


def test_decoding_worked_by_hand():
    """Three landmarks, one neighbour each, a map of 2 x 2 cells: a picture of 64 x 64. 0 lists 1, 1 lists 0, 2 lists 0:
    the lists are not mutual: two other points vote for 0, one for 1, and none for 2.

             cell (column, row)      own (x, y)      its neighbour
        0    (1, 0)                  (0.50, 0.25)    1 at (-0.50, 1.25)
        1    (0, 1)                  (0.25, 0.75)    0 at (1.25, -0.50)
        2    (1, 1)                  (1.50, 0.50)    0 at (0.50, -0.75)

    In cells, 0: (1.50, 0.25), (1.25, 0.50), (1.50, 0.25), whose mean is (17/12, 1/3)
              1: (0.25, 1.75), (0.50, 1.25), whose mean is (0.375, 1.5)
              2: (2.50, 1.50), beyond the right edge at 2
    A cell is 32 pixels and the picture's corner -0.5: (44 5/6, 10 1/6), (11.5, 47.5), (79.5, 47.5).
    """
    neighbors = torch.tensor([[1], [0], [0]])
    outputs = {name: torch.full((1, 3, 2, 2), 9.0) for name in ("x", "y", "nb_x", "nb_y")}
    outputs["score"] = torch.tensor([[[[0.1, 0.9], [0.2, 0.3]], [[0.0, -1.0], [0.4, 0.2]], [[0.7, 0.9], [0.9, 1.5]]]])
    for landmark, (column, row, *values) in enumerate([(1, 0, 0.50, 0.25, -0.50, 1.25), (0, 1, 0.25, 0.75, 1.25, -0.50),
                                                       (1, 1, 1.50, 0.50, 0.50, -0.75)]):
        for name, value in zip(("x", "y", "nb_x", "nb_y"), values):
            outputs[name][0, landmark, row, column] = value
    expected = torch.tensor([[[44 + 5 / 6, 10 + 1 / 6], [11.5, 47.5], [79.5, 47.5]]])
    torch.testing.assert_close(decode(outputs, neighbors), expected)
    torch.testing.assert_close(slow_decode(outputs, neighbors.tolist()), expected)


def test_confidence_worked_by_hand():
    """Three landmarks in cells (0, 0), (2, 0), (1, 2) of 3 x 3, each in its cell's middle: the box around them is 2
    cells wide and high, so that votes up to 0.3 cells away agree."""
    neighbors, cells = torch.tensor([[1, 2], [0, 2], [0, 1]]), [(0, 0), (2, 0), (1, 2)]
    outputs = {name: torch.full((1, width, 3, 3), 9.0) for name, width in
               (("score", 3), ("x", 3), ("y", 3), ("nb_x", 6), ("nb_y", 6))}
    outputs["score"][:] = 0.1
    away = [[(0, 0.2), (0.25, 0.25)],  # of the votes of 0 for 1 and 2, in cells: the second by 0.35
            [(0, 0), (0.29, 0)],
            [(5, 0), (0, -1)]]
    for landmark, (column, row) in enumerate(cells):
        outputs["score"][0, landmark, row, column] = (0.9, 1.5, 0.8)[landmark]  # 1.5 counts as 1
        outputs["x"][0, landmark, row, column] = outputs["y"][0, landmark, row, column] = 0.5
        for number, (dx, dy) in enumerate(away[landmark]):
            neighbor = cells[neighbors[landmark, number]]
            outputs["nb_x"][0, 2 * landmark + number, row, column] = neighbor[0] + 0.5 + dx - column
            outputs["nb_y"][0, 2 * landmark + number, row, column] = neighbor[1] + 0.5 + dy - row
    model = PIPNet(3, "resnet18", num_neighbors=2)
    model.neighbors.copy_(neighbors)
    torch.testing.assert_close(model.confidence(outputs), torch.tensor([[0.9 / 2, 1.0, 0.0]]))


def test_without_neighbours_confidence_is_the_score():
    outputs = {name: torch.rand(1, 4, 2, 2) for name in ("score", "x", "y")}
    outputs |= {name: torch.rand(1, 0, 2, 2) for name in ("nb_x", "nb_y")}
    confidence = PIPNet(4, "resnet18", num_neighbors=0).confidence(outputs)
    assert torch.equal(confidence, outputs["score"].flatten(2).amax(2))


def degenerate(outputs, kind):
    outputs = {name: m.clone() for name, m in outputs.items()}
    score = outputs["score"]
    if kind == "all equal":
        score.fill_(0.25)
    elif kind == "ties":
        score.copy_(score.round())
    elif kind == "all -inf":
        score.fill_(-INF)
    elif kind == "one finite":
        score[:, :, 1:] = -INF
    elif kind == "an infinite offset":
        outputs["nb_x"][:, 3] = INF  # spoils one landmark, no other
    elif kind == "channels last":
        outputs = {name: m.contiguous(memory_format=torch.channels_last) for name, m in outputs.items()}
    return outputs


@pytest.mark.parametrize("kind", ["random", "all equal", "ties", "all -inf", "one finite", "an infinite offset",
                                  "channels last"])
@pytest.mark.parametrize("shape", [dict(), dict(batch=1, landmarks=4, count=1, height=1, width=1),
                                   dict(batch=2, landmarks=68, count=10, height=8, width=8)])
def test_decoding_equals_the_slow_way(kind, shape):
    outputs, neighbors, _ = random_case(**shape)
    outputs = degenerate(outputs, kind)
    torch.testing.assert_close(decode(outputs, neighbors), slow_decode(outputs, neighbors.tolist()))


def test_a_batch_decodes_as_its_faces_do_alone():
    outputs, neighbors, _ = random_case()
    alone = [decode({name: m[b:b + 1] for name, m in outputs.items()}, neighbors) for b in range(3)]
    assert torch.equal(decode(outputs, neighbors), torch.cat(alone))


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_equals_the_slow_way(seed):
    outputs, neighbors, points = random_case(seed=seed)
    points[0, 2] = NAN
    points[1, 1, 0] = NAN          # half a point is none; every other landmark lists this one
    points[2, 4] = torch.tensor([-70.0, 300.0])
    points[0, 5] = torch.tensor([63.5, 31.5])  # on a cell's corner
    expected = slow_loss(outputs, points, neighbors.tolist())
    assert pip_loss(outputs, points, neighbors).item() == pytest.approx(expected, rel=1e-5)


def test_the_score_weighs_ten_and_counts_every_cell():
    """All maps 0, one landmark without neighbours in a 2 x 2 map at (0.25, 0.5) of its cell: 10 / 4 + 0.25 + 0.5."""
    outputs = {name: torch.zeros(1, channels, 2, 2) for name, channels in
               (("score", 1), ("x", 1), ("y", 1), ("nb_x", 0), ("nb_y", 0))}
    points, nobody = torch.tensor([[[39.5, 15.5]]]), torch.empty(1, 0, dtype=torch.int64)
    assert pip_loss(outputs, points, nobody).item() == pytest.approx(3.25)


def test_points_that_are_nan_are_left_out_everywhere():
    """Their values in the maps have no effect, not even infinity, and get no gradient."""
    outputs, neighbors, points = random_case()
    points[0, 2], points[1] = NAN, NAN
    before = pip_loss(outputs, points, neighbors)
    leaves = {name: m.clone().requires_grad_() for name, m in outputs.items()}
    pip_loss(leaves, points, neighbors).backward()
    for name, m in leaves.items():
        per = m.shape[1] // 9
        assert not m.grad[1].any() and not m.grad[0, 2 * per:3 * per].any() and m.grad.isfinite().all()
        assert m.grad[2].any() and m.grad[0].any()
        outputs[name] = outputs[name].clone()
        outputs[name][0, 2 * per:3 * per], outputs[name][1] = INF, NAN
    listed = (neighbors == 2).nonzero()  # (landmark, place) of those that list landmark 2
    assert len(listed)
    for landmark, place in listed:
        assert not leaves["nb_x"].grad[0, 4 * landmark + place].any()
    assert torch.equal(pip_loss(outputs, points, neighbors), before)


def test_without_any_point_the_loss_is_0_and_so_is_its_gradient():
    outputs, neighbors, points = random_case()
    leaves = {name: m.requires_grad_() for name, m in outputs.items()}
    loss = pip_loss(leaves, points * NAN, neighbors)
    loss.backward()
    assert loss.item() == 0 and all(not m.grad.any() for m in leaves.values())


def test_perfect_maps_have_no_loss_and_decode_to_the_points():
    _, neighbors, points = random_case(landmarks=12, height=8, width=8)
    points[0, 0] = torch.tensor([-40.0, 270.0])   # outside the picture, in nobody's list
    points[1, 1] = torch.tensor([256.0, 100.25])  # outside, in everybody's
    points[2, 3] = torch.tensor([255.5, 255.5])   # the far corner itself
    points[2, 4] = torch.tensor([-0.5, -0.5])
    outputs = perfect_maps(points, neighbors.tolist(), 8, 8)
    assert pip_loss(outputs, points, neighbors).item() < 1e-5
    torch.testing.assert_close(decode(outputs, neighbors), points, rtol=0, atol=1e-4)  # pixels


def test_a_point_keeps_its_fraction_of_a_pixel():
    _, neighbors, points = random_case(landmarks=12, height=8, width=8)
    actual = decode(perfect_maps(points, neighbors.tolist(), 8, 8), neighbors)
    assert (points - points.round()).abs().mean() > 0.2 and (actual - points).abs().max() < 1e-4


def test_the_loss_has_the_gradient_of_its_formula():
    outputs, neighbors, points = random_case(batch=2, landmarks=4, count=2, height=2, width=2)
    points[0, 3] = NAN
    leaves = [m.double().requires_grad_() for m in outputs.values()]
    points = points.double()
    assert torch.autograd.gradcheck(lambda *maps: pip_loss(dict(zip(outputs, maps)), points, neighbors), leaves)


def test_few_points_have_the_neighbours_there_are():
    torch.manual_seed(0)
    for landmarks, count in ((1, 0), (2, 1), (5, 4)):
        model = PIPNet(landmarks, "resnet18").eval()
        mean_face = torch.rand(landmarks, 2)
        model.set_mean_face(mean_face)
        assert model.neighbors.shape == (landmarks, count)
        outputs = model(torch.randn(2, 3, 64, 64))
        assert outputs["nb_x"].shape == (2, landmarks * count, 2, 2)
        loss = model.loss(outputs, torch.rand(2, landmarks, 2) * 64)
        loss.backward()
        assert model.decode(outputs).shape == (2, landmarks, 2)
        assert all(layer.weight.grad.any() for layer in model.head.values())


def test_a_network_without_a_mean_face_raises():
    model = PIPNet(5, "resnet18", num_neighbors=2).eval()
    with torch.no_grad():
        outputs = model(torch.randn(1, 3, 64, 64))
    for use in (lambda: model.loss(outputs, torch.rand(1, 5, 2)), lambda: model.decode(outputs)):
        with pytest.raises((IndexError, RuntimeError)):
            use()


def test_the_neighbours_travel_in_the_state_dict():
    torch.manual_seed(0)
    model, other = PIPNet(6, "resnet18", num_neighbors=2), PIPNet(6, "resnet18", num_neighbors=2)
    model.set_mean_face(torch.rand(6, 2))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.neighbors, model.neighbors)
    assert models.initialise(PIPNet(9, "resnet18", num_neighbors=2), model.state_dict()) == ["head", "neighbors"]


def test_heads_learn_one_face_from_fixed_features():
    """Minimising the loss makes decoding return the points."""
    torch.manual_seed(0)
    model = PIPNet(5, "resnet18", num_neighbors=2)
    points = torch.tensor([[[10.0, 20], [40, 12], [25.5, 33.25], [-3, 50], [60, 60]]])
    model.set_mean_face(points[0] / 64)
    del model.encoder
    model.encoder = lambda images: [torch.randn(1, 512, 2, 2, generator=torch.Generator().manual_seed(1))]
    optimizer = torch.optim.Adam(model.head.parameters(), lr=0.003)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.003 * (1 - step / 200)
        outputs = model(points.new_zeros(1, 3, 64, 64))
        optimizer.zero_grad()
        model.loss(outputs, points).backward()
        optimizer.step()
    assert (model.decode(outputs) - points).abs().max() < 0.5 and (model.confidence(outputs) > 0.95).all()


# The public code's modules, by the names that their state dicts show.

class PublishedResNet(nn.Module):
    def __init__(self, resnet, width, points, count):
        super().__init__()
        for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"):
            setattr(self, name, getattr(resnet, name))
        add_heads(self, width, points, count)

    def forward(self, images):
        x = nn.functional.max_pool2d(self.bn1(self.conv1(images)).relu(), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class PublishedMobileNet(nn.Module):
    def __init__(self, mobilenet, width, points, count):
        super().__init__()
        self.features = mobilenet.features
        add_heads(self, width, points, count)

    def forward(self, images):
        return self.features(images)


def add_heads(module, width, points, count):
    for name, channels in (("cls", points), ("x", points), ("y", points), ("nb_x", points * count),
                           ("nb_y", points * count)):
        setattr(module, f"{name}_layer", nn.Conv2d(width, channels, 1))


@pytest.mark.parametrize("name, kind, width", [
    ("resnet18", PublishedResNet, 512), ("resnet50", PublishedResNet, 2048),
    ("mobilenet_v2", PublishedMobileNet, 1280)])
def test_published_checkpoints_load_and_give_the_same_maps(name, kind, width):
    torch.manual_seed(0)
    theirs = kind(getattr(torchvision.models, name)(), width, 7, 3).eval()
    ours = PIPNet(7, name, num_neighbors=3).eval()
    ours.set_mean_face(torch.rand(7, 2))
    neighbors = ours.neighbors.clone()
    load_published(ours, theirs.state_dict(), "epoch59.pth")
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        features, outputs = theirs(images), ours(images)
        for theirs_name, ours_name in (("cls", "score"), ("x", "x"), ("y", "y"), ("nb_x", "nb_x"), ("nb_y", "nb_y")):
            torch.testing.assert_close(outputs[ours_name], getattr(theirs, f"{theirs_name}_layer")(features))
    assert torch.equal(ours.neighbors, neighbors)
    with pytest.raises(FaceparseError, match="epoch59.pth: .*head.score.weight"):
        load_published(PIPNet(6, name, num_neighbors=3), theirs.state_dict(), "epoch59.pth")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with a checkpoint in the authors' format and the mean face of its data."""
    torch.manual_seed(0)
    folder, theirs = tmp_path_factory.mktemp("snapshots"), PublishedResNet(torchvision.models.resnet18(), 512, 68, 10)
    torch.save(theirs.state_dict(), folder / "epoch59.pth")
    (folder / "meanface.txt").write_text(" ".join(f"{value:.6f}" for value in torch.rand(136).tolist()))
    return folder


def test_a_published_checkpoint_is_a_landmarker_as_it_is(published):
    landmarker = checkpoint.load_any(published / "epoch59.pth", "cpu")
    assert isinstance(landmarker, Landmarker)
    assert (landmarker.points.name, landmarker.size, landmarker.align) == ("68", 256, "crop")
    assert [landmarker.about[key] for key in ("arch", "encoder", "data")] == ["pipnet", "resnet18", "300w"]
    assert sum(p.numel() for p in landmarker.model.parameters()) == COUNTS["resnet18"]
    mean = read_mean_face(published / "meanface.txt", 68)
    assert torch.equal(landmarker.model.neighbors, nearest_neighbors(mean, 10))
    by_hand = PIPNet(68, "resnet18").eval()
    by_hand.set_mean_face(mean)
    models.initialise(by_hand, published / "epoch59.pth")
    images = torch.randint(256, (1, 3, 256, 256), dtype=torch.uint8)
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        expected = by_hand.decode(by_hand((images / 255 - mean) / std))
    torch.testing.assert_close(landmarker.locate(images), expected, atol=0.01, rtol=0)


@pytest.mark.parametrize("encoder", COUNTS)
def test_the_encoder_of_a_published_checkpoint_is_recognised_by_its_shapes(published, encoder):
    """Their files of DataParallel and of PyTorch before 0.4.1 too: a prefix, and no num_batches_tracked."""
    with torch.device("meta"):
        kind, width = (PublishedMobileNet, 1280) if encoder == "mobilenet_v2" else (
            PublishedResNet, 512 if encoder == "resnet18" else 2048)
        theirs = kind(getattr(torchvision.models, encoder)(), width, 68, 10)
    assert sum(p.numel() for p in theirs.parameters()) == COUNTS[encoder]
    for weights in (theirs.state_dict(), {f"module.{key}": value for key, value in theirs.state_dict().items()
                                          if not key.endswith("num_batches_tracked")}):
        described = describe_published(weights, published / "x.pth")
        assert described["encoder"] == encoder and described["weights"]["neighbors"].shape == (68, 10)
        ours = models.build_landmarker("pipnet", encoder, 68).state_dict()
        assert {key: value.shape for key, value in described["weights"].items()}.items() <= {
            key: value.shape for key, value in ours.items()}.items()


def test_published_checkpoints_that_cannot_be_used_are_refused_with_the_reason(published, tmp_path):
    theirs = torch.load(published / "epoch59.pth", weights_only=True)
    torch.save(theirs, tmp_path / "alone.pth")
    with pytest.raises(FaceparseError, match="alone.pth: .*copy meanface.txt there from data/300W"):
        checkpoint.load_any(tmp_path / "alone.pth")
    with pytest.raises(FaceparseError, match="is for 98 landmarks, and only those for 68 can be read"):
        describe_published({**theirs, "cls_layer.weight": torch.zeros(98, 512, 1, 1)}, published / "x.pth")
    with pytest.raises(FaceparseError, match="its backbone is none of resnet18, resnet50, resnet101, mobilenet_v2"):
        describe_published({**theirs, "layer4.2.conv1.weight": torch.zeros(512, 512, 3, 3)}, published / "x.pth")
    with pytest.raises(FaceparseError, match="backbone"):
        describe_published({key: value for key, value in theirs.items() if "layer" in key}, published / "x.pth")
    assert describe_published(models.build_landmarker("pipnet", "resnet18", 68).state_dict(), "x.pth") is None
    assert describe_published({"kind": "parser"}, "x.pth") is None


@pytest.mark.parametrize("text, message", [
    ("0.1 0.2 0.3", "3 numbers, and x and y of 2"), ("0.1 x 0.2 0.3", "no mean face"), ("12 30 44 31", "from 0 to 1"),
    ("nan 0.1 0.2 0.3", "no mean face"), ("", "0 numbers")])
def test_a_file_that_is_no_mean_face_is_refused_by_name(tmp_path, text, message):
    (tmp_path / "mean.txt").write_text(text)
    with pytest.raises(FaceparseError, match=f"mean.txt: .*{message}"):
        read_mean_face(tmp_path / "mean.txt", 2)
    with pytest.raises(FaceparseError, match="other.txt: cannot be read"):
        read_mean_face(tmp_path / "other.txt", 2)


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu():
    outputs, neighbors, points = random_case(landmarks=68, count=10, height=8, width=8)
    points[0, 3] = NAN
    there = {name: m.cuda() for name, m in outputs.items()}
    torch.testing.assert_close(decode(there, neighbors.cuda()).cpu(), decode(outputs, neighbors))
    torch.testing.assert_close(pip_loss(there, points.cuda(), neighbors.cuda()).cpu(),
                               pip_loss(outputs, points, neighbors))


def test_absent_landmarks_should_have_no_score_anywhere():
    """Where all landmarks are absent, only the score counts: its weight times its mean square over the map."""
    network = PIPNet(3, "mobilenet_v2", num_neighbors=2)
    network.set_mean_face(torch.rand(3, 2))
    maps = {name: torch.full((2, width, 4, 4), 0.5) for name, width in network.widths.items()}
    absent = torch.full((2, 3, 2), torch.inf)
    assert network.loss(maps, absent).item() == pytest.approx(10 * 0.25)
    assert network.loss({**maps, "score": torch.zeros(2, 3, 4, 4)}, absent) == 0
    absent[0] = torch.nan  # not annotated: ignored
    maps["score"][0] = 7
    assert network.loss(maps, absent).item() == pytest.approx(10 * 0.25)


def test_windows_are_the_blocks_of_cells_whose_confidence_is_a_peak():
    network = PIPNet(3, "mobilenet_v2", num_neighbors=2)
    network.set_mean_face(torch.rand(3, 2))
    maps = {name: torch.rand(1, width, 6, 9) for name, width in network.widths.items()}
    maps["score"] = torch.zeros(1, 3, 6, 9)
    maps["score"][0, :, 1, 1], maps["score"][0, :, 5, 8] = 0.9, 0.6
    blocks, corners = network.windows(maps, 64, 0.5, 100)
    corners = corners.tolist()
    assert len(blocks["x"]) == len(corners) and [7 * 32, 4 * 32] in corners and [32, 32] in corners
    for (x, y), block in zip(corners, blocks["nb_x"]):
        assert torch.equal(block, maps["nb_x"][0, :, y // 32:y // 32 + 2, x // 32:x // 32 + 2])
    scores = blocks["score"].flatten(2).amax(2)
    assert scores.amax().item() == pytest.approx(0.9) and scores.amin().item() == pytest.approx(0.6)
    blocks, corners = network.windows(maps, 64, 0.95, 100)
    assert network.decode(blocks).shape == (0, 3, 2) and len(corners) == 0
